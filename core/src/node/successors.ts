/** Which instance a name means now: instances move, and their old names go on being used; and which others serve alike. Pure. */
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

/**
 * Other instances that answer as `one` does: of the same weights, kept in the same types, and with room for the same
 * conversations. Those that are ready first, then what is predicted to be fastest; those that load follow. `except`:
 * instances that are known not to help.
 */
export function replicasOf(
  all: readonly InstanceSummary[],
  one: InstanceSummary,
  except: ReadonlySet<string>,
): InstanceSummary[] {
  const storage = ({ options = {} }: InstanceSummary) => JSON.stringify(options.storage ?? {});
  const alike = all.filter(
    (other) =>
      (other.state === 'ready' || other.state === 'loading') &&
      other.instance !== one.instance &&
      !except.has(other.instance) &&
      other.plan.modelDigest === one.plan.modelDigest &&
      other.plan.stateStorage === one.plan.stateStorage &&
      other.plan.contextLength >= one.plan.contextLength &&
      storage(other) === storage(one),
  );
  const speed = ({ plan }: InstanceSummary) => plan.predicted?.millisecondsPerToken ?? Number.POSITIVE_INFINITY;
  const compareSpeeds = (left: InstanceSummary, right: InstanceSummary) =>
    speed(left) === speed(right) ? 0 : speed(left) - speed(right);
  return alike.sort(
    (left, right) =>
      stateRank[left.state] - stateRank[right.state] ||
      compareSpeeds(left, right) ||
      (left.instance < right.instance ? -1 : 1),
  );
}
