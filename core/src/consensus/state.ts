/** The replicated state of a cluster, and the pure functions that fold what is heard into it. */
import type { Change } from './changes.js';
import {
  addDecision,
  type Decision,
  type DecisionLimits,
  type Decisions,
  decisionLimits,
  mergeDecisions,
  noDecisions,
} from './decisions.js';
import { type FactRecord, type Facts, type InstanceFact, mergeFacts } from './facts.js';

export interface ClusterState {
  readonly facts: Facts;
  readonly decisions: Decisions;
}

export type StateEvent =
  | { readonly kind: 'fact'; readonly record: FactRecord }
  | { readonly kind: 'decision'; readonly decision: Decision };

/** All or a part of another node's state. */
export interface Snapshot {
  readonly facts: readonly FactRecord[];
  readonly decisions?: Decisions | undefined;
}

export const emptyState: ClusterState = { facts: {}, decisions: noDecisions };

/** Folds one event in. An event that was seen, or that leaves a gap before it, changes nothing. Pure. */
export function apply(state: ClusterState, event: StateEvent, limits: DecisionLimits = decisionLimits): ClusterState {
  if (event.kind === 'fact') return withFacts(state, state.decisions, [event.record]);
  return withFacts(state, addDecision(state.decisions, event.decision, limits), []);
}

/** Folds another node's state in: the order in which states meet makes no difference. Pure. */
export function merge(state: ClusterState, snapshot: Snapshot, limits: DecisionLimits = decisionLimits): ClusterState {
  const decisions = snapshot.decisions ? mergeDecisions(state.decisions, snapshot.decisions, limits) : state.decisions;
  return withFacts(state, decisions, snapshot.facts);
}

function withFacts(state: ClusterState, decisions: Decisions, records: readonly FactRecord[]): ClusterState {
  const facts = mergeFacts(state.facts, records, (nodeId) => forgottenIncarnation(decisions, nodeId));
  return facts === state.facts && decisions === state.decisions ? state : { facts, decisions };
}

/** Up to which incarnation a node's words are dropped. */
export function forgottenIncarnation({ registers }: Decisions, nodeId: string): number | undefined {
  const change = registers[`forgotten/${nodeId}`]?.[0]?.change;
  return change?.kind === 'forget-node' ? change.incarnation : undefined;
}

function inForceAt<Kind extends Change['kind']>(
  { registers }: Decisions,
  key: string,
  ...kinds: readonly Kind[]
): Extract<Change, { kind: Kind }> | undefined {
  const change = registers[key]?.[0]?.change;
  return change && (kinds as readonly string[]).includes(change.kind)
    ? (change as Extract<Change, { kind: Kind }>)
    : undefined;
}

/** Why a node takes no new shares; undefined: it does. */
export function cordonOf(
  { decisions }: ClusterState,
  nodeId: string,
): { readonly reason: string; readonly draining: boolean } | undefined {
  const change = inForceAt(decisions, `shares/${nodeId}`, 'cordon-node', 'drain-node');
  return change && { reason: change.reason, draining: change.kind === 'drain-node' };
}

/** Why a node's instances take no new requests; undefined: they do. */
export function pauseOfNode({ decisions }: ClusterState, nodeId: string): string | undefined {
  return inForceAt(decisions, `requests/${nodeId}`, 'pause-node')?.reason;
}

/** Why an instance takes no new requests; undefined: it does. */
export function pauseOfInstance({ decisions }: ClusterState, instance: string): string | undefined {
  return inForceAt(decisions, `instance/${instance}`, 'pause-instance')?.reason;
}

/** Why an instance takes no new requests: it is paused itself, or a node is that holds a part; undefined: it takes them. */
export function pauseReason(
  state: ClusterState,
  { instance, nodeIds }: Pick<InstanceFact, 'instance' | 'nodeIds'>,
): string | undefined {
  const own = pauseOfInstance(state, instance);
  if (own !== undefined) return own;
  for (const nodeId of nodeIds) {
    const reason = pauseOfNode(state, nodeId);
    if (reason !== undefined) return `node ${state.facts[nodeId]?.fact.nodeName ?? nodeId} is paused: ${reason}`;
  }
  return undefined;
}

/** Instances that take no new requests by themselves, be they there or not. */
export function pausedInstances({ decisions }: ClusterState): string[] {
  const keys = Object.keys(decisions.registers).filter((key) => key.startsWith('instance/'));
  return keys.flatMap((key) => inForceAt(decisions, key, 'pause-instance')?.instance ?? []);
}

/** Whether a wish was taken back; unknown ones were not. */
export function isDropped({ decisions }: ClusterState, wish: string): boolean {
  return inForceAt(decisions, `model/${wish}`, 'drop-model') !== undefined;
}

/** A text that is equal for equal decisions, however they were learned; small. */
export function decisionsDigest(decisions: Decisions): string {
  const known = digests.get(decisions);
  if (known !== undefined) return known;
  const writes = Object.keys(decisions.registers)
    .sort()
    .map((key) => (decisions.registers[key] ?? []).map(({ session, sequence }) => [session, sequence]));
  const seen = Object.entries(decisions.seen).sort(([left], [right]) => (left < right ? -1 : 1));
  const digest = hash(JSON.stringify([writes, seen, decisions.forgottenTerm]));
  digests.set(decisions, digest);
  return digest;
}

const digests = new WeakMap<Decisions, string>();

/** Two FNV-1a hashes side by side: differences show, nobody is kept from forging (members trust each other here). */
function hash(text: string): string {
  let left = 0x811c9dc5;
  let right = 0x1000193;
  for (let index = 0; index < text.length; index++) {
    const code = text.charCodeAt(index);
    left = Math.imul(left ^ code, 0x01000193);
    right = Math.imul(right ^ (code + index), 0x85ebca6b);
  }
  return [left, right].map((half) => (half >>> 0).toString(16).padStart(8, '0')).join('');
}
