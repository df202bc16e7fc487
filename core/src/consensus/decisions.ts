/**
 * What was decided for the whole cluster. Leaders put decisions in order; where a network was split there were several
 * leaders, and their decisions merge. So decisions are not a log that must agree from its beginning, but a set of
 * registers, each with its last few writes: a decision writes one register, and the write with the highest stamp holds.
 *
 * Each leader counts its decisions (`sequence`), so that a gap shows, and everybody remembers how far it has seen each
 * leader's. A write that is seen but no longer held was overwritten: that is how old writes, and in the end whole
 * registers, are dropped for good without a log and without anybody's agreement.
 */
import type { Change } from './changes.js';
import { registerOf } from './changes.js';

/** One time in office of one leader, and no other: what its decisions are counted within. */
export interface Session {
  /** The election clock at which it was elected. */
  readonly term: number;
  readonly leader: string;
  /** Told apart from an earlier life of the same node, which may have led at the same clock. */
  readonly nonce: string;
}

export interface Decision {
  /** Chosen by the node that was asked: a command that is repeated stays one decision. */
  readonly id: string;
  readonly session: Session;
  /** 1, 2, 3 … within the session. */
  readonly sequence: number;
  /** More than that of every decision its leader knew. */
  readonly order: number;
  readonly change: Change;
}

export interface Decisions {
  /** By register, the highest stamp first; the first one holds. */
  readonly registers: Readonly<Record<string, readonly Decision[]>>;
  /** By session, the sequence up to which everything was seen. */
  readonly seen: Readonly<Record<string, number>>;
  /** All of the sessions up to this term counts as seen. */
  readonly forgottenTerm: number;
}

export interface DecisionLimits {
  /** Writes kept of one register. More than one, so that a command that two leaders ordered counts where it came first. */
  readonly writesPerRegister: number;
  /** Registers kept though nothing is in force in them. */
  readonly emptyRegisters: number;
  /** Sessions whose progress is remembered one by one. */
  readonly sessions: number;
}

export const decisionLimits: DecisionLimits = { writesPerRegister: 16, emptyRegisters: 256, sessions: 256 };

export const noDecisions: Decisions = { registers: {}, seen: {}, forgottenTerm: -1 };

export function sessionKey({ term, leader, nonce }: Session): string {
  return `${term}.${leader}.${nonce}`;
}

function termOf(key: string): number {
  return Number.parseInt(key, 10);
}

/** Positive when `left` holds against `right`: by term, then order; the rest only makes it definite. */
export function compareStamps(left: Decision, right: Decision): number {
  return (
    left.session.term - right.session.term ||
    left.order - right.order ||
    compareText(left.session.leader, right.session.leader) ||
    compareText(left.session.nonce, right.session.nonce)
  );
}

/** Whether a decision was seen, be it still held or not. */
export function hasSeen({ seen, forgottenTerm }: Decisions, { session, sequence }: Decision): boolean {
  return session.term <= forgottenTerm || (seen[sessionKey(session)] ?? 0) >= sequence;
}

/** Whether a decision is the next of its session; one that is not leaves a gap. */
export function isNext({ seen }: Decisions, { session, sequence }: Decision): boolean {
  return (seen[sessionKey(session)] ?? 0) + 1 === sequence;
}

/** Adds a decision; one that was seen, or that leaves a gap, changes nothing. Pure. */
export function addDecision(decisions: Decisions, decision: Decision, limits: DecisionLimits): Decisions {
  if (hasSeen(decisions, decision) || !isNext(decisions, decision)) return decisions;
  const { key } = registerOf(decision.change);
  return settle(
    {
      registers: { ...decisions.registers, [key]: [...(decisions.registers[key] ?? []), decision] },
      seen: { ...decisions.seen, [sessionKey(decision.session)]: decision.sequence },
      forgottenTerm: decisions.forgottenTerm,
    },
    [key],
    limits,
  );
}

/** What both know. A write that one side has seen but holds no more is gone. Commutative, idempotent, pure. */
export function mergeDecisions(left: Decisions, right: Decisions, limits: DecisionLimits): Decisions {
  const registers: Record<string, readonly Decision[]> = {};
  const keys = new Set([...Object.keys(left.registers), ...Object.keys(right.registers)]);
  for (const key of keys) {
    const ours = left.registers[key] ?? [];
    const theirs = right.registers[key] ?? [];
    const both = ours.filter((one) => theirs.some((other) => isSame(one, other)));
    const onlyOurs = ours.filter((one) => !both.includes(one) && !hasSeen(right, one));
    const onlyTheirs = theirs.filter((one) => !both.some((other) => isSame(one, other)) && !hasSeen(left, one));
    registers[key] = [...both, ...onlyOurs, ...onlyTheirs];
  }
  const seen: Record<string, number> = { ...left.seen };
  for (const [key, sequence] of Object.entries(right.seen)) seen[key] = Math.max(seen[key] ?? 0, sequence);
  const forgottenTerm = Math.max(left.forgottenTerm, right.forgottenTerm);
  return settle({ registers, seen, forgottenTerm }, [...keys], limits);
}

/** The write in force in each register. */
export function inForce({ registers }: Decisions): Decision[] {
  return Object.values(registers).flatMap((writes) => writes[0] ?? []);
}

/** The held decision of that id. */
export function findDecision({ registers }: Decisions, id: string, change: Change): Decision | undefined {
  return registers[registerOf(change).key]?.find((decision) => decision.id === id);
}

/** The highest order that is held, and the highest term that was seen: what a new decision must go beyond. */
export function highest(decisions: Decisions): { readonly order: number; readonly term: number } {
  const orders = Object.values(decisions.registers).flatMap((writes) => writes.map(({ order }) => order));
  const terms = Object.keys(decisions.seen).map(termOf);
  return { order: Math.max(0, ...orders), term: Math.max(decisions.forgottenTerm, ...terms) };
}

/** Decisions seen in all. */
export function countDecisions({ seen }: Decisions): number {
  return Object.values(seen).reduce((total, sequence) => total + sequence, 0);
}

/** Puts changed registers in order and drops what is over the limits. */
function settle(decisions: Decisions, changedKeys: readonly string[], limits: DecisionLimits): Decisions {
  const registers = { ...decisions.registers };
  for (const key of changedKeys) {
    const writes = orderWrites(registers[key] ?? [], limits);
    if (writes.length > 0) registers[key] = writes;
    else delete registers[key];
  }
  const empty = Object.entries(registers).filter(([, writes]) => writes[0] && !registerOf(writes[0].change).holds);
  empty.sort(([, left], [, right]) => compareStamps(right[0] as Decision, left[0] as Decision));
  for (const [key] of empty.slice(limits.emptyRegisters)) delete registers[key];
  return { registers, ...forgetSessions(decisions, limits) };
}

function orderWrites(writes: readonly Decision[], { writesPerRegister }: DecisionLimits): Decision[] {
  const ascending = [...writes].sort(compareStamps);
  // A command that was repeated to another leader counts where it was first put in order.
  const firsts = new Map<string, Decision>();
  for (const write of ascending) if (!firsts.has(write.id)) firsts.set(write.id, write);
  return [...firsts.values()].reverse().slice(0, writesPerRegister);
}

function forgetSessions(
  { seen, forgottenTerm }: Decisions,
  { sessions }: DecisionLimits,
): Pick<Decisions, 'seen' | 'forgottenTerm'> {
  const known = Object.entries(seen).filter(([key]) => termOf(key) > forgottenTerm);
  if (known.length <= sessions && known.length === Object.keys(seen).length) return { seen, forgottenTerm };
  const terms = known.map(([key]) => termOf(key)).sort((left, right) => right - left);
  const floor = Math.max(forgottenTerm, terms[sessions] ?? forgottenTerm);
  return { seen: Object.fromEntries(known.filter(([key]) => termOf(key) > floor)), forgottenTerm: floor };
}

function isSame(left: Decision, right: Decision): boolean {
  return left.sequence === right.sequence && sessionKey(left.session) === sessionKey(right.session);
}

function compareText(left: string, right: string): number {
  if (left === right) return 0;
  return left < right ? -1 : 1;
}
