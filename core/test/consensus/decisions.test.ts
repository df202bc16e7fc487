import type { Change } from '@shoal/core/internal/consensus/changes.js';
import {
  addDecision,
  compareStamps,
  type Decision,
  type Decisions,
  decisionLimits,
  inForce,
  mergeDecisions,
  noDecisions,
} from '@shoal/core/internal/consensus/decisions.js';
import { decisionsDigest } from '@shoal/core/internal/consensus/state.js';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import t from 'tap';

const cordon = (nodeId: string): Change => ({ kind: 'cordon-node', nodeId, reason: 'test' });
const uncordon = (nodeId: string): Change => ({ kind: 'uncordon-node', nodeId });

function decision(term: number, leader: string, sequence: number, change: Change, id = ''): Decision {
  const session = { term, leader, nonce: `${leader}${term}` };
  return { id: id || `${term}${leader}${sequence}`, session, sequence, order: sequence, change };
}

const fold = (decisions: readonly Decision[], limits = decisionLimits) =>
  decisions.reduce((state, one) => addDecision(state, one, limits), noDecisions);

const holding = (decisions: Decisions) => inForce(decisions).map(({ change }) => change.kind);

t.test('the last write of a register holds', async (t) => {
  const state = fold([decision(1, 'a', 1, cordon('x')), decision(1, 'a', 2, uncordon('x'))]);
  t.strictSame(holding(state), ['uncordon-node']);
});

t.test('a decision that was seen, or that leaves a gap, changes nothing', async (t) => {
  const first = decision(1, 'a', 1, cordon('x'));
  const state = fold([first]);
  t.equal(addDecision(state, first, decisionLimits), state, 'seen');
  t.equal(addDecision(state, decision(1, 'a', 3, uncordon('x')), decisionLimits), state, 'the second one is missing');
});

t.test('where a network was split, the later term holds, whatever is heard first', async (t) => {
  const early = fold([decision(4, 'a', 1, cordon('x'))]);
  const late = fold([decision(5, 'b', 1, uncordon('x'))]);
  for (const merged of [mergeDecisions(early, late, decisionLimits), mergeDecisions(late, early, decisionLimits)]) {
    t.strictSame(holding(merged), ['uncordon-node']);
  }
});

t.test('a command that two leaders put in order counts where it came first', async (t) => {
  const first = decision(1, 'a', 1, cordon('x'), 'same');
  const between = decision(2, 'b', 1, uncordon('x'));
  const again = decision(3, 'c', 1, cordon('x'), 'same');
  for (const order of [
    [first, between, again],
    [again, between, first],
    [between, again, first],
  ]) {
    t.strictSame(holding(fold(order)), ['uncordon-node']);
  }
});

t.test('registers in which nothing is in force are dropped in the end, and stay dropped', async (t) => {
  const limits = { ...decisionLimits, emptyRegisters: 2 };
  const lagging = fold([decision(1, 'a', 1, cordon('n0'))], limits);
  const all = Array.from({ length: 10 }, (_, index) => [
    decision(1, 'a', 2 * index + 1, cordon(`n${index}`)),
    decision(1, 'a', 2 * index + 2, uncordon(`n${index}`)),
  ]).flat();
  const state = fold(all, limits);
  t.equal(Object.keys(state.registers).length, 2);
  const merged = mergeDecisions(lagging, state, limits);
  t.equal(decisionsDigest(merged), decisionsDigest(state), 'what a node that was away still held is gone, too');
});

t.test('progress is remembered of so many sessions', async (t) => {
  const limits = { ...decisionLimits, sessions: 3 };
  const state = fold(
    Array.from({ length: 8 }, (_, term) => decision(term, 'a', 1, cordon(`n${term}`))),
    limits,
  );
  t.equal(Object.keys(state.seen).length, 3);
  t.equal(state.forgottenTerm, 4);
  t.equal(inForce(state).length, 8, 'what was decided is in force all the same');
  t.equal(addDecision(state, decision(2, 'b', 1, uncordon('n2')), limits), state, 'nothing of a forgotten term is new');
});

t.test('nodes that hear the same decisions hold the same, however they heard of them', async (t) => {
  const random = new SeededRandom(5);
  for (let round = 0; round < 300; round++) {
    // Leaders of several terms, each of which decides a few things about a few nodes.
    const sessions = Array.from({ length: random.integer(1, 5) }, (_, index) =>
      Array.from({ length: random.integer(1, 6) }, (_, sequence) => {
        const nodeId = `n${random.integer(1, 3)}`;
        const change = random.chance(0.5) ? cordon(nodeId) : uncordon(nodeId);
        const id = random.chance(0.2) ? `shared ${nodeId} ${change.kind}` : '';
        return decision(random.integer(1, 1) + (index >> 1), `l${index}`, sequence + 1, change, id);
      }),
    );
    const states = Array.from({ length: 3 }, () => {
      const parts = [noDecisions, noDecisions];
      // Heard in the order of each session, the sessions mixed, by one of two halves that meet afterwards.
      const queues = sessions.map((session) => [...session]);
      while (queues.some((queue) => queue.length > 0)) {
        const queue = random.pick(queues.filter(({ length }) => length > 0));
        const next = queue.shift() as Decision;
        const half = random.integer(0, 1);
        parts[half] = addDecision(parts[half] as Decisions, next, decisionLimits);
        parts[1 - half] = mergeDecisions(parts[1 - half] as Decisions, parts[half] as Decisions, decisionLimits);
      }
      const [left, right] = parts as [Decisions, Decisions];
      const one = mergeDecisions(left, right, decisionLimits);
      const other = mergeDecisions(right, left, decisionLimits);
      if (decisionsDigest(one) !== decisionsDigest(other)) t.fail(`round ${round}: not commutative`);
      if (decisionsDigest(mergeDecisions(one, one, decisionLimits)) !== decisionsDigest(one)) {
        t.fail(`round ${round}: not idempotent`);
      }
      return decisionsDigest(one);
    });
    if (new Set(states).size !== 1) t.fail(`round ${round}: ${states.join(' ')}`);
  }
  t.pass('300 rounds');
});

t.test('stamps are in order by term, then order, then what only makes it definite', async (t) => {
  const ascending = [
    { ...decision(1, 'z', 9, cordon('x')), order: 9 },
    { ...decision(2, 'a', 1, cordon('x')), order: 1 },
    { ...decision(2, 'b', 1, cordon('x')), order: 1 },
    { ...decision(2, 'a', 2, cordon('x')), order: 2 },
  ];
  for (let index = 1; index < ascending.length; index++) {
    t.ok(compareStamps(ascending[index - 1] as Decision, ascending[index] as Decision) < 0);
  }
});
