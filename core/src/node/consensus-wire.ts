/** Between the messages of consensus and control messages. Everything that comes in is checked here. */
import { type Change, registerOf } from '../consensus/changes.js';
import type { Decision, Decisions } from '../consensus/decisions.js';
import { type FactRecord, type InstanceFact, maximumReplaced, type NodeFact } from '../consensus/facts.js';
import type { Candidacy, ConsensusMessage, Digest } from '../consensus/messages.js';
import { messages, parseDocument } from '../control/messages.js';
import { invalid } from './wire.js';

/** Lengths in characters. */
const maximumName = 256;
const maximumText = 4096;
const maximumOptions = 65_536;
const maximumInstances = 1000;
const maximumEntries = 100_000;

const replies = ['never', 'if-different', 'always'] as const satisfies readonly Digest['reply'][];

export function consensusToMessage(message: ConsensusMessage): messages.ConsensusMessage.$Properties {
  switch (message.kind) {
    case 'candidacy':
      return { candidacy: message.candidacy };
    case 'fact':
      return { fact: factToMessage(message.record) };
    case 'decision':
      return { decision: decisionToMessage(message.decision) };
    case 'command': {
      const { id, origin, change } = message.command;
      return { command: { id, origin, changeJson: JSON.stringify(change), attempt: message.attempt } };
    }
    case 'rejection': {
      const { kind: _kind, ...rejection } = message;
      return { rejection };
    }
    case 'acknowledgement':
      return { acknowledgement: { decision: message.decision } };
    case 'digest': {
      const { entries, decisions, candidacy, reply } = message.digest;
      return { digest: { entries: [...entries], decisions, candidacy, reply: replies.indexOf(reply) } };
    }
    case 'snapshot': {
      const { facts, decisions } = message.snapshot;
      return {
        snapshot: {
          facts: facts.map(factToMessage),
          ...(decisions ? { decisions: decisionsToMessage(decisions) } : {}),
        },
      };
    }
  }
}

/** Undefined for a kind of a newer version. Throws REQUEST_INVALID. */
export function consensusFromMessage(message: messages.ConsensusMessage.$Properties): ConsensusMessage | undefined {
  const { candidacy, fact, decision, command, rejection, acknowledgement, digest, snapshot } = message;
  if (candidacy) return { kind: 'candidacy', candidacy: candidacyFromMessage(candidacy) };
  if (fact) return { kind: 'fact', record: factFromMessage(fact) };
  if (decision) return { kind: 'decision', decision: decisionFromMessage(decision) };
  if (command) {
    const id = name(command.id, 'the id of a command');
    const origin = name(command.origin, 'the origin of a command');
    return {
      kind: 'command',
      command: { id, origin, change: changeFromJson(command.changeJson) },
      attempt: command.attempt ?? 0,
    };
  }
  if (rejection) {
    return {
      kind: 'rejection',
      command: name(rejection.command, 'the command of a rejection'),
      origin: name(rejection.origin, 'the origin of a rejection'),
      attempt: rejection.attempt ?? 0,
      code: name(rejection.code, 'the code of a rejection'),
      message: text(rejection.message, 'the message of a rejection'),
    };
  }
  if (acknowledgement) return { kind: 'acknowledgement', decision: name(acknowledgement.decision, 'a decision') };
  if (digest) return { kind: 'digest', digest: digestFromMessage(digest) };
  if (snapshot) {
    const decisions = snapshot.decisions ? decisionsFromMessage(snapshot.decisions) : undefined;
    return { kind: 'snapshot', snapshot: { facts: (snapshot.facts ?? []).map(factFromMessage), decisions } };
  }
  return undefined;
}

export function decisionsToMessage({ registers, seen, forgottenTerm }: Decisions): messages.Decisions.$Properties {
  return {
    writes: Object.values(registers).flatMap((writes) => writes.map(decisionToMessage)),
    seen: Object.entries(seen).map(([session, sequence]) => ({ session, sequence })),
    forgottenTerm,
  };
}

export function decisionsFromMessage(message: messages.Decisions.$Properties): Decisions {
  const registers: Record<string, Decision[]> = Object.create(null) as Record<string, Decision[]>;
  for (const write of message.writes ?? []) {
    const decision = decisionFromMessage(write);
    const { key } = registerOf(decision.change);
    registers[key] = [...(registers[key] ?? []), decision];
  }
  const seen = Object.fromEntries(
    (message.seen ?? []).map(({ session, sequence }) => {
      if (!/^\d+\./.test(session ?? '')) throw invalid('a session has no term');
      return [name(session, 'a session', 2 * maximumName), sequence ?? 0];
    }),
  );
  return { registers: { ...registers }, seen, forgottenTerm: message.forgottenTerm ?? -1 };
}

function candidacyFromMessage(message: messages.Candidacy.$Properties): Candidacy {
  return {
    clock: message.clock ?? 0,
    seniority: message.seniority ?? 0,
    commandCount: message.commandCount ?? 0,
    nodeId: name(message.nodeId, 'the node of a candidacy'),
    life: name(message.life, 'the life of a candidate'),
  };
}

function factToMessage({ nodeId, incarnation, version, fact }: FactRecord): messages.FactRecord.$Properties {
  return { nodeId, incarnation, version, factJson: JSON.stringify(fact) };
}

function factFromMessage(message: messages.FactRecord.$Properties): FactRecord {
  return {
    nodeId: name(message.nodeId, 'the node of a fact'),
    incarnation: integer(message.incarnation, 'an incarnation'),
    version: message.version ?? 0,
    fact: factFromJson(message.factJson),
  };
}

function factFromJson(json: string | null | undefined): NodeFact {
  const fact = parseDocument<Partial<NodeFact> | null>(json, 'what a node says of itself');
  if (typeof fact !== 'object' || fact === null) throw invalid('what a node says of itself is not an object');
  const { instances, seniority } = fact;
  if (!Array.isArray(instances) || instances.length > maximumInstances) throw invalid('a list of instances is wrong');
  return {
    nodeName: text(fact.nodeName, 'the name of a node', maximumName),
    softwareVersion: text(fact.softwareVersion, 'the version of a node', maximumName),
    offersDevices: fact.offersDevices === true,
    departed: fact.departed === true,
    seniority: Number.isSafeInteger(seniority) ? (seniority as number) : 0,
    instances: instances.map(instanceFact),
  };
}

const instanceStates = new Set(['loading', 'ready', 'failed']);

function instanceFact(instance: Partial<InstanceFact> | null): InstanceFact {
  const { epoch, state, nodeIds, wish, stuck, replaces, millisecondsPerToken } = instance ?? {};
  if (!Array.isArray(nodeIds) || nodeIds.length > maximumEntries) throw invalid('the nodes of an instance are wrong');
  if (typeof state !== 'string' || !instanceStates.has(state)) throw invalid('the state of an instance is unknown');
  return {
    instance: name(instance?.instance, 'an instance'),
    epoch: integer(epoch, 'the epoch of an instance'),
    state,
    modelName: text(instance?.modelName, 'the name of a model'),
    nodeIds: nodeIds.map((nodeId) => name(nodeId, 'a node of an instance')),
    ...(wish === undefined ? {} : { wish: name(wish, 'a wish') }),
    ...(Array.isArray(replaces)
      ? { replaces: replaces.slice(0, maximumReplaced).map((one) => name(one, 'an instance')) }
      : {}),
    ...(Number.isFinite(millisecondsPerToken) ? { millisecondsPerToken: Number(millisecondsPerToken) } : {}),
    ...(stuck === undefined ? {} : { stuck: text(stuck, 'why an instance is stuck') }),
  };
}

function decisionToMessage({ id, session, sequence, order, change }: Decision): messages.Decision.$Properties {
  return { id, session, sequence, order, changeJson: JSON.stringify(change) };
}

function decisionFromMessage(message: messages.Decision.$Properties): Decision {
  const { session } = message;
  return {
    id: name(message.id, 'the id of a decision'),
    session: {
      term: session?.term ?? 0,
      leader: name(session?.leader, 'the leader of a session'),
      nonce: name(session?.nonce, 'the nonce of a session'),
    },
    sequence: message.sequence ?? 0,
    order: message.order ?? 0,
    change: changeFromJson(message.changeJson),
  };
}

function digestFromMessage(message: messages.Digest.$Properties): Digest {
  const entries = message.entries ?? [];
  if (entries.length > maximumEntries) throw invalid('a digest is too long');
  return {
    entries: entries.map(({ nodeId, incarnation, version, beat }) => ({
      nodeId: name(nodeId, 'the node of a digest'),
      incarnation: integer(incarnation, 'an incarnation'),
      version: version ?? 0,
      beat: beat ?? 0,
    })),
    decisions: text(message.decisions, 'the digest of decisions', maximumName),
    candidacy: candidacyFromMessage(message.candidacy ?? {}),
    reply: replies[message.reply ?? 0] ?? 'never',
  };
}

/** Throws REQUEST_INVALID. */
export function changeFromJson(json: string | null | undefined): Change {
  const found = parseDocument<Readonly<Record<string, unknown>> | null>(json, 'a change');
  const { kind } = found ?? {};
  const nodeId = () => name(found?.nodeId, 'the node of a change');
  const reason = () => text(found?.reason, 'the reason of a change');
  switch (kind) {
    case 'want-model':
      return {
        kind,
        wish: name(found?.wish, 'a wish'),
        model: text(found?.model, 'the model of a wish'),
        optionsJson: text(found?.optionsJson, 'the options of a wish', maximumOptions),
      };
    case 'drop-model':
      return { kind, wish: name(found?.wish, 'a wish') };
    case 'cordon-node':
    case 'drain-node':
    case 'pause-node':
      return { kind, nodeId: nodeId(), reason: reason() };
    case 'uncordon-node':
    case 'resume-node':
      return { kind, nodeId: nodeId() };
    case 'pause-instance':
      return { kind, instance: name(found?.instance, 'an instance'), reason: reason() };
    case 'resume-instance':
      return { kind, instance: name(found?.instance, 'an instance') };
    case 'forget-node':
      return { kind, nodeId: nodeId(), incarnation: integer(found?.incarnation, 'an incarnation') };
    default:
      throw invalid(`there is no change of the kind ${JSON.stringify(kind)}`);
  }
}

function name(value: unknown, what: string, longest = maximumName): string {
  if (typeof value !== 'string' || value === '' || value.length > longest) throw invalid(`${what} is not a name`);
  return value;
}

function text(value: unknown, what: string, longest = maximumText): string {
  if (typeof value !== 'string' || value.length > longest) throw invalid(`${what} is not a text, or is too long`);
  return value;
}

function integer(value: unknown, what: string): number {
  if (!Number.isSafeInteger(value ?? 0) || (value as number) < 0) throw invalid(`${what} is not a whole number`);
  return (value as number | null | undefined) ?? 0;
}
