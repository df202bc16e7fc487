// The simulator notices what may go wrong: each of these breaks one rule of agreeing, and is found within a few seeds.

import { dutiesOf } from '@shoal/core/internal/consensus/duties.js';
import { compareCandidacies } from '@shoal/core/internal/consensus/election.js';
import { apply, merge } from '@shoal/core/internal/consensus/state.js';
import { type Mistake, simulate } from '@shoal/core/internal/simulation/simulate.js';
import t from 'tap';

const seedsTried = 400;

const mutants: Readonly<Record<string, Mistake>> = {
  'equals are not told apart': {
    rules: {
      compare: (left, right) =>
        left.clock - right.clock || left.seniority - right.seniority || left.commandCount - right.commandCount,
    },
  },
  'who does not stand is as good as a beginner': {
    rules: {
      compare: (left, right) =>
        compareCandidacies(
          { ...left, seniority: Math.max(0, left.seniority) },
          { ...right, seniority: Math.max(0, right.seniority) },
        ),
    },
  },
  'halves that meet do not compare their leaders': {
    message: (message) =>
      message.kind === 'digest'
        ? { ...message, digest: { ...message.digest, candidacy: { ...message.digest.candidacy, clock: -1 } } }
        : message,
  },
  'candidacies stay unheard': { message: (message) => (message.kind === 'candidacy' ? undefined : message) },
  'notes are not compared': { message: (message) => (message.kind === 'digest' ? undefined : message) },
  'snapshots hold facts only': {
    message: (message) =>
      message.kind === 'snapshot' ? { kind: 'snapshot', snapshot: { facts: message.snapshot.facts } } : message,
  },
  'snapshots hold decisions only': {
    message: (message) =>
      message.kind === 'snapshot' ? { ...message, snapshot: { ...message.snapshot, facts: [] } } : message,
  },
  'snapshots leave out a register': {
    message: (message) => {
      if (message.kind !== 'snapshot' || !message.snapshot.decisions) return message;
      const { decisions } = message.snapshot;
      const registers = Object.fromEntries(Object.entries(decisions.registers).slice(1));
      return { ...message, snapshot: { ...message.snapshot, decisions: { ...decisions, registers } } };
    },
  },
  'refused commands are repeated to nobody': {
    message: (message) => (message.kind === 'command' && message.attempt > 1 ? undefined : message),
  },
  'the leader never answers': { message: (message) => (message.kind === 'decision' ? undefined : message) },
  'old words pass for news': {
    rules: {
      merge: (state, snapshot, limits) => {
        const merged = merge(state, snapshot, limits);
        const facts = { ...merged.facts, ...Object.fromEntries(snapshot.facts.map((one) => [one.nodeId, one])) };
        return { ...merged, facts };
      },
    },
  },
  'only the version of a word counts': {
    rules: {
      apply: (state, event, limits) => {
        if (event.kind !== 'fact') return apply(state, event, limits);
        const { record } = event;
        const known = state.facts[record.nodeId];
        if (known && known.version >= record.version) return state;
        return { ...state, facts: { ...state.facts, [record.nodeId]: record } };
      },
    },
  },
  'writes of one leader have no order': {
    rules: {
      apply: (state, event, limits) =>
        event.kind === 'decision'
          ? apply(state, { kind: 'decision', decision: { ...event.decision, order: 1 } }, limits)
          : apply(state, event, limits),
    },
  },
  'a snapshot replaces what is known': {
    rules: {
      merge: (state, snapshot, limits) => {
        const merged = merge(state, snapshot, limits);
        return { ...merged, decisions: snapshot.decisions ?? merged.decisions };
      },
    },
  },
  'what is known replaces a snapshot': {
    rules: { merge: (state, snapshot, limits) => merge(state, { facts: snapshot.facts }, limits) },
  },
  'what was dropped comes back': {
    rules: {
      merge: (state, snapshot, limits) => {
        const { decisions } = snapshot;
        if (!decisions) return merge(state, snapshot, limits);
        const registers = { ...state.decisions.registers };
        for (const [key, writes] of Object.entries(decisions.registers)) registers[key] ??= writes;
        const seen = { ...state.decisions.seen };
        for (const [key, sequence] of Object.entries(decisions.seen)) seen[key] = Math.max(seen[key] ?? 0, sequence);
        const facts = merge(state, { facts: snapshot.facts }, limits).facts;
        return { facts, decisions: { ...state.decisions, registers, seen } };
      },
    },
  },
  'what is kept is not read again': { disk: { read: () => undefined } },
  'what is kept lacks what has been seen': { disk: { read: (decisions) => ({ ...decisions, seen: {} }) } },
  'a command is confirmed before it is kept': { disk: { isHasty: true } },
  'a command that two leaders put in order counts where it came last': { limits: { writesPerRegister: 1 } },
  'an unknown wish counts as taken back': {
    duties: (state, position) => [
      ...dutiesOf(state, position),
      ...(state.facts[position.nodeId]?.fact.instances ?? []).flatMap(({ instance, wish }) =>
        wish !== undefined && !state.decisions.registers[`model/${wish}`]
          ? [{ kind: 'unload-instance' as const, instance, wish }]
          : [],
      ),
    ],
  },
  'halves that meet keep what each has loaded': {
    duties: (state, position) => dutiesOf(state, position).filter(({ kind }) => kind !== 'retire-instance'),
  },
  'everybody gives way': {
    duties: (state, position) => {
      const { nodeId, isPresent } = position;
      const serving = Object.values(state.facts)
        .filter((record) => isPresent(record.nodeId) && !record.fact.departed)
        .flatMap(({ fact }) => fact.instances.filter((one) => one.state === 'ready' && one.wish !== undefined));
      const own = serving.filter(({ instance }) => instance.startsWith(`${nodeId}-`));
      const retirements = own.flatMap(({ instance, wish }) => {
        const other = serving.find((one) => one.wish === wish && one.instance !== instance);
        return other ? [{ kind: 'retire-instance' as const, instance, successor: other.instance }] : [];
      });
      return [...dutiesOf(state, position), ...retirements];
    },
  },
  'who loses an election ends what it serves': {
    duties: (state, position) =>
      position.isLeader
        ? dutiesOf(state, position)
        : (state.facts[position.nodeId]?.fact.instances ?? []).map(({ instance }) => ({
            kind: 'unload-instance' as const,
            instance,
            wish: '',
          })),
  },
};

for (const [name, mistake] of Object.entries(mutants)) {
  t.test(name, async (t) => {
    for (let seed = 1; seed <= seedsTried; seed++) {
      const { violation } = simulate(seed, { mistake });
      if (!violation) continue;
      t.pass(`seed ${seed}: ${violation.invariant}`);
      return;
    }
    t.fail(`not found in ${seedsTried} seeds`);
  });
}
