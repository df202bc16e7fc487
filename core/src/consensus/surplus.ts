/**
 * Halves of a split network both load a model that the cluster keeps. When they meet, one instance stays. Which one follows
 * from what instances say of themselves and cannot change, so that all heads come to the same answer: none is given up for
 * one that is given up itself.
 */
import type { InstanceFact } from './facts.js';
import { type ClusterState, pauseReason } from './state.js';

/** The instance that stays instead of `own`, which serves the same wish; undefined: `own` stays. Pure. */
export function keeperInsteadOf(
  state: ClusterState,
  own: InstanceFact,
  isPresent: (nodeId: string) => boolean,
): InstanceFact | undefined {
  const { wish } = own;
  // What is paused stays as it is: neither given up, nor enough to give up another one for.
  if (wish === undefined || pauseReason(state, own) !== undefined) return undefined;
  const serving = Object.values(state.facts)
    .filter(({ nodeId, fact }) => !fact.departed && isPresent(nodeId))
    .flatMap(({ fact }) => fact.instances)
    .filter((one) => one.wish === wish && one.state === 'ready' && pauseReason(state, one) === undefined);
  const replaced = new Set(serving.flatMap(({ replaces = [] }) => replaces));
  const [keeper] = serving.filter(({ instance }) => !replaced.has(instance)).sort(compare);
  return keeper?.instance === own.instance ? undefined : keeper;
}

/** The one that is predicted to be faster; the id only makes it definite. */
function compare(left: InstanceFact, right: InstanceFact): number {
  const [one, other] = [left, right].map(({ millisecondsPerToken = Number.MAX_VALUE }) => millisecondsPerToken);
  return Number(one) - Number(other) || (left.instance < right.instance ? -1 : 1);
}
