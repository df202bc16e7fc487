/** Sees everything that happens in a simulated cluster and says what must not have happened. */

import { registerOf } from '../consensus/changes.js';
import {
  compareStamps,
  type Decision,
  type Decisions,
  hasSeen,
  noDecisions,
  sessionKey,
} from '../consensus/decisions.js';
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
  /** By decision id, the nodes that have it on their disks. */
  private readonly keepers = new Map<string, Set<string>>();
  private readonly accepted: Decision[] = [];
  /** Instances that were given up, by what for. */
  private readonly retired = new Map<string, string>();

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
    if (state.decisions !== before.decisions) this.holds(node, state.decisions);
  }

  /** A process knows these decisions. */
  holds(node: SimulatedNode, decisions: Decisions): void {
    this.note(this.holders, decisions, node);
  }

  /** A node has these decisions on its disk. */
  kept(nodeId: string, decisions: Decisions): void {
    this.note(this.keepers, decisions, nodeId);
  }

  diskLost(nodeId: string): void {
    for (const keepers of this.keepers.values()) keepers.delete(nodeId);
  }

  private note<Holder>(holders: Map<string, Set<Holder>>, decisions: Decisions, holder: Holder): void {
    for (const decision of this.decisions.values()) {
      const known = holders.get(decision.id);
      if (known?.has(holder) || !hasSeen(decisions, decision)) continue;
      if (known) known.add(holder);
      else holders.set(decision.id, new Set([holder]));
    }
  }

  /** A node told its caller that the command was decided. */
  commandAccepted(decision: Decision, nodeId: string, hasNeighbours: boolean): void {
    this.accepted.push(decision);
    if (!this.keepers.get(decision.id)?.has(nodeId)) {
      throw new InvariantError('accepted commands are kept', `${decision.id} is not on the disk of ${nodeId}`);
    }
    const holders = this.holders.get(decision.id)?.size ?? 0;
    if (hasNeighbours && holders < 2) {
      throw new InvariantError('accepted commands are safe', `${decision.id} is held by ${holders} process only`);
    }
  }

  instanceStops(node: SimulatedNode, { instance, wish, nodeIds }: InstanceFact, reason: StopReason): void {
    if (reason.kind === 'retire-instance') {
      this.retires(instance, reason.successor);
      return;
    }
    const changes = [...this.decisions.values()].map(({ change }) => change);
    const isJustified =
      reason.kind === 'unload-instance'
        ? changes.some((change) => change.kind === 'drop-model' && change.wish === wish)
        : changes.some((change) => change.kind === 'drain-node' && nodeIds.includes(change.nodeId));
    if (isJustified) return;
    throw new InvariantError('elections unload nothing', `${node.nodeId} ends ${instance} without a decision to do so`);
  }

  /** Nothing is given up for what is given up for it in the end. */
  private retires(instance: string, successor: string): void {
    this.retired.set(instance, successor);
    const passed = new Set<string>();
    for (let next: string | undefined = successor; next !== undefined; next = this.retired.get(next)) {
      if (passed.has(next)) return;
      passed.add(next);
      if (next !== instance) continue;
      throw new InvariantError(
        'what is given up is served elsewhere',
        `${instance} is given up for ${successor} and back`,
      );
    }
  }

  /** What was accepted is known as long as one process of the part that knew it lives on, or one that has it on its disk. */
  checkAccepted(part: readonly SimulatedNode[]): void {
    const decisions = decisionsOf(part);
    const known = new Set<string>();
    for (const decision of this.decisions.values()) if (hasSeen(decisions, decision)) known.add(decision.id);
    for (const decision of this.accepted) {
      const isAlive = part.some(
        (node) => this.holders.get(decision.id)?.has(node) || this.keepers.get(decision.id)?.has(node.nodeId),
      );
      if (isAlive && !known.has(decision.id)) {
        throw new InvariantError('accepted commands are not lost', `${decision.id} ${JSON.stringify(decision.change)}`);
      }
    }
  }

  /** What holds in each register is what all decisions that are known, each once and in their order, leave there. */
  checkRegisters(part: readonly SimulatedNode[]): void {
    const decided = decisionsOf(part);
    const { registers } = decided;
    const byRegister = new Map<string, Decision[]>();
    for (const decision of this.decisions.values()) {
      if (!hasSeen(decided, decision)) continue;
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

/** What nodes that agree have decided. */
function decisionsOf([first]: readonly SimulatedNode[]): Decisions {
  return first?.consensus.state.decisions ?? noDecisions;
}

/** The decision that holds when each command counts where it was first put in order. */
function lastOfEachOnce(decisions: readonly Decision[]): Decision | undefined {
  const firsts = new Map<string, Decision>();
  for (const decision of [...decisions].sort(compareStamps)) {
    if (!firsts.has(decision.id)) firsts.set(decision.id, decision);
  }
  return [...firsts.values()].at(-1);
}
