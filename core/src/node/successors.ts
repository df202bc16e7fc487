/** Which instance a name means now: instances move, and their old names go on being used. Pure. */
import type { InstanceSummary } from './service.js';

/**
 * The instance that serves in the place of `instance`, or itself: one that is ready wins over one that loads, a later one
 * over those that it replaced. `except`: names that are known to lead nowhere.
 */
export function currentOf(
  all: readonly InstanceSummary[],
  instance: string,
  except: ReadonlySet<string> = new Set(),
): InstanceSummary | undefined {
  const meant = all.filter(
    (one) => (one.instance === instance || one.replaces?.includes(instance)) && !except.has(one.instance),
  );
  const generation = ({ replaces = [] }: InstanceSummary): number => replaces.length;
  return (
    meant.sort(
      (left, right) =>
        stateRank[left.state] - stateRank[right.state] ||
        generation(right) - generation(left) ||
        (left.instance < right.instance ? -1 : 1),
    )[0] ?? undefined
  );
}

const stateRank: Readonly<Record<InstanceSummary['state'], number>> = { ready: 0, loading: 1, failed: 2, unloaded: 3 };
