/** Sees everything that happens in a simulated cluster and says what must not have happened. */

import { registerOf } from '../consensus/changes.js';
import { compareStamps, type Decision, type Decisions, hasSeen, sessionKey } from '../consensus/decisions.js';
import { type InstanceFact, isNewer } from '../consensus/facts.js';
import type { ClusterState, StateEvent } from '../consensus/state.js';
import type { SimulatedNode, StopReason } from './simulated-node.js';

export class InvariantError extends Error {
  constructor(
    readonly invariant: string,
    message: string,
  ) {
    super(`${invariant}: ${message}`);
    this.name = 'InvariantError';
  }
}

export class Witness {
  /** Every decision that any leader ever made. */
  private readonly decisions = new Map<string, Decision>();
  /** By decision id, the processes that ever held it. */
  private readonly holders = new Map<string, Set<SimulatedNode>>();
  private readonly accepted: Decision[] = [];

  /** A process folds an event in. */
  applied(event: StateEvent): void {
    if (event.kind !== 'decision') return;
    const { decision } = event;
    const key = `${sessionKey(decision.session)} ${decision.sequence}`;
    const known = this.decisions.get(key);
    if (known && known.id !== decision.id) {
      throw new InvariantError('one decision per number', `${key} is both ${known.id} and ${decision.id}`);
    }
    this.decisions.set(key, decision);
  }

  stateChanged(node: SimulatedNode, state: ClusterState, before: ClusterState): void {
    for (const record of Object.values(before.facts)) {
      const now = state.facts[record.nodeId];
      if (now && isNewer(record, now)) {
        const what = `${node.nodeId} fell back from word ${record.incarnation}.${record.version} of ${record.nodeId}`;
        throw new InvariantError('facts never get older', `${what} to ${now.incarnation}.${now.version}`);
      }
    }
    if (state.decisions === before.decisions) return;
    for (const decision of this.decisions.values()) {
      if (!hasSeen(state.decisions, decision)) continue;
      const holders = this.holders.get(decision.id);
      if (holders) holders.add(node);
      else this.holders.set(decision.id, new Set([node]));
    }
  }

  /** A node told its caller that the command was decided. */
  commandAccepted(decision: Decision, hasNeighbours: boolean): void {
    this.accepted.push(decision);
    const holders = this.holders.get(decision.id)?.size ?? 0;
    if (hasNeighbours && holders < 2) {
      throw new InvariantError('accepted commands are safe', `${decision.id} is held by ${holders} process only`);
    }
  }

  instanceStops(node: SimulatedNode, { instance, wish, nodeIds }: InstanceFact, reason: StopReason): void {
    const changes = [...this.decisions.values()].map(({ change }) => change);
    const isJustified =
      reason.kind === 'unload-instance'
        ? changes.some((change) => change.kind === 'drop-model' && change.wish === wish)
        : changes.some((change) => change.kind === 'drain-node' && nodeIds.includes(change.nodeId));
    if (isJustified) return;
    throw new InvariantError('elections unload nothing', `${node.nodeId} ends ${instance} without a decision to do so`);
  }

  /** What was accepted is known as long as one process of the part that knew it lives on. */
  checkAccepted(state: ClusterState, part: readonly SimulatedNode[]): void {
    const known = new Set<string>();
    for (const decision of this.decisions.values()) if (hasSeen(state.decisions, decision)) known.add(decision.id);
    for (const decision of this.accepted) {
      const isAlive = [...(this.holders.get(decision.id) ?? [])].some((holder) => part.includes(holder));
      if (isAlive && !known.has(decision.id)) {
        throw new InvariantError('accepted commands are not lost', `${decision.id} ${JSON.stringify(decision.change)}`);
      }
    }
  }

  /** What holds in each register is what all decisions that are known, each once and in their order, leave there. */
  checkRegisters({ registers, seen, forgottenTerm }: Decisions): void {
    const byRegister = new Map<string, Decision[]>();
    for (const decision of this.decisions.values()) {
      if (!hasSeen({ registers, seen, forgottenTerm }, decision)) continue;
      const { key } = registerOf(decision.change);
      byRegister.set(key, [...(byRegister.get(key) ?? []), decision]);
    }
    for (const [key, decisions] of byRegister) {
      const expected = lastOfEachOnce(decisions);
      const actual = registers[key]?.[0];
      const isDropped = actual === undefined && expected && !registerOf(expected.change).holds;
      if (expected?.id === actual?.id || isDropped) continue;
      const what = `${key} holds ${actual?.id ?? 'nothing'}, but ${expected?.id} was decided last`;
      throw new InvariantError('a decision counts once', what);
    }
    for (const key of Object.keys(registers)) {
      if (!byRegister.has(key)) throw new InvariantError('a decision counts once', `nobody ever decided ${key}`);
    }
  }
}

/** The decision that holds when each command counts where it was first put in order. */
function lastOfEachOnce(decisions: readonly Decision[]): Decision | undefined {
  const firsts = new Map<string, Decision>();
  for (const decision of [...decisions].sort(compareStamps)) {
    if (!firsts.has(decision.id)) firsts.set(decision.id, decision);
  }
  return [...firsts.values()].at(-1);
}
