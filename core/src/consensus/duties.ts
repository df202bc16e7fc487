/**
 * What the agreed state asks of one node: nothing of it depends on who led when, so that an election by itself starts
 * and ends nothing. Only an explicit decision ends an instance; that a wish is unknown here is no reason.
 */
import type { ModelWish } from './changes.js';
import { type ClusterState, cordonOf, isDropped } from './state.js';
import { keeperInsteadOf } from './surplus.js';

export type Duty =
  /** The leader's: no node serves what the cluster is to keep loaded. */
  | ({ readonly kind: 'load-model' } & ModelWish)
  /** The head's: the wish that the instance was loaded for was taken back. */
  | { readonly kind: 'unload-instance'; readonly instance: string; readonly wish: string }
  /** The head's: another instance serves the same wish, and is the one that stays. */
  | { readonly kind: 'retire-instance'; readonly instance: string; readonly successor: string }
  /** The head's: nodes that hold a part are drained. */
  | { readonly kind: 'move-instance'; readonly instance: string; readonly away: readonly string[] };

export interface DutyPosition {
  readonly nodeId: string;
  readonly isLeader: boolean;
  readonly isPresent: (nodeId: string) => boolean;
}

/** Pure, but for what `isPresent` knows. */
export function dutiesOf(state: ClusterState, { nodeId, isLeader, isPresent }: DutyPosition): Duty[] {
  const duties: Duty[] = [];
  for (const own of state.facts[nodeId]?.fact.instances ?? []) {
    const { instance, state: progress, wish, nodeIds } = own;
    if (progress !== 'ready') continue;
    if (wish !== undefined && isDropped(state, wish)) {
      duties.push({ kind: 'unload-instance', instance, wish });
      continue;
    }
    const keeper = keeperInsteadOf(state, own, isPresent);
    if (keeper) {
      duties.push({ kind: 'retire-instance', instance, successor: keeper.instance });
      continue;
    }
    const away = nodeIds.filter((member) => cordonOf(state, member)?.draining);
    if (away.length > 0) duties.push({ kind: 'move-instance', instance, away });
  }
  if (isLeader) duties.push(...wishesUnmet(state, isPresent).map((wish) => ({ kind: 'load-model' as const, ...wish })));
  return duties;
}

/** Models that are to be loaded and that no node that is there serves or loads. */
function wishesUnmet({ facts, decisions }: ClusterState, isPresent: (nodeId: string) => boolean): ModelWish[] {
  const served = new Set<string>();
  for (const { nodeId, fact } of Object.values(facts)) {
    if (fact.departed || !isPresent(nodeId)) continue;
    for (const { wish, state } of fact.instances) if (wish !== undefined && state !== 'failed') served.add(wish);
  }
  return Object.values(decisions.registers).flatMap((writes) => {
    const change = writes[0]?.change;
    if (change?.kind !== 'want-model' || served.has(change.wish)) return [];
    return [{ wish: change.wish, model: change.model, optionsJson: change.optionsJson }];
  });
}
