import { dutiesOf } from '@shoal/core/internal/consensus/duties.js';
import type { FactRecord, InstanceFact } from '@shoal/core/internal/consensus/facts.js';
import { apply, type ClusterState, emptyState } from '@shoal/core/internal/consensus/state.js';
import { keeperInsteadOf } from '@shoal/core/internal/consensus/surplus.js';
import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import t from 'tap';

const instance = (name: string, rest: Partial<InstanceFact> = {}): InstanceFact => ({
  instance: name,
  epoch: 1,
  state: 'ready',
  modelName: 'model',
  nodeIds: [`node of ${name}`],
  wish: 'w',
  ...rest,
});

/** Each instance is told by a node of its own. */
function stateOf(instances: readonly InstanceFact[], paused: readonly string[] = []): ClusterState {
  const records = instances.map(
    (one): FactRecord => ({
      nodeId: `node of ${one.instance}`,
      incarnation: 1,
      version: 1,
      fact: {
        nodeName: 'n',
        softwareVersion: '0',
        offersDevices: true,
        departed: false,
        seniority: 0,
        instances: [one],
      },
    }),
  );
  let state = emptyState;
  for (const record of records) state = apply(state, { kind: 'fact', record });
  for (const [index, name] of paused.entries()) {
    const session = { term: 1, leader: 'n', nonce: 'a' };
    const change = { kind: 'pause-instance', instance: name, reason: 'test' } as const;
    const decision = { id: name, session, sequence: index + 1, order: index + 1, change };
    state = apply(state, { kind: 'decision', decision });
  }
  return state;
}

t.test('which instance stays', async (t) => {
  const a = instance('a');
  const cases: readonly [string, readonly InstanceFact[], expected: string | undefined, paused?: readonly string[]][] =
    [
      ['the only one', [], undefined],
      ['of equals, the first by name', [instance('b')], undefined],
      ['of equals, the first by name, from the other side', [instance('A')], 'A'],
      ['the faster one', [instance('b', { millisecondsPerToken: 3 })], 'b'],
      ['one of another wish is beside it', [instance('A', { wish: 'other' })], undefined],
      ['one that was loaded by hand is, too', [instance('A', { wish: undefined } as never)], undefined],
      ['one that still loads does not count', [instance('A', { state: 'loading' })], undefined],
      ['one that failed does not', [instance('A', { state: 'failed' })], undefined],
      ['what took its place stays', [instance('b', { replaces: ['a'] })], 'b'],
      ['what is paused is not enough', [instance('A')], undefined, ['A']],
      ['what is paused is not given up', [instance('A')], undefined, ['a']],
    ];
  for (const [name, others, expected, paused] of cases) {
    const state = stateOf([a, ...others], paused);
    t.equal(keeperInsteadOf(state, a, () => true)?.instance, expected, name);
  }
  const far = stateOf([a, instance('A')]);
  t.equal(
    keeperInsteadOf(far, a, (nodeId) => nodeId !== 'node of A'),
    undefined,
    'of a node that is not there',
  );
});

t.test('of any number of instances one stays', async (t) => {
  for (let seed = 1; seed <= 300; seed++) {
    const random = new SeededRandom(seed);
    const names = Array.from({ length: random.integer(1, 6) }, (_, index) => `i${(index * 7 + seed) % 10}`);
    const all = names.map((name, index) => {
      const millisecondsPerToken = random.pick([undefined, 1, 2]);
      // What took another one's place was loaded later.
      const replaces = random.chance(0.4) ? names.slice(0, random.integer(0, index)) : [];
      return instance(name, { replaces, ...(millisecondsPerToken === undefined ? {} : { millisecondsPerToken }) });
    });
    const state = stateOf(all);
    const staying = all.filter(({ instance: name }) => {
      const position = { nodeId: `node of ${name}`, isLeader: false, isPresent: () => true };
      return !dutiesOf(state, position).some(({ kind }) => kind === 'retire-instance');
    });
    if (staying.length === 1) continue;
    t.fail(`seed ${seed}: ${staying.length} stay of ${JSON.stringify(all)}`);
    return;
  }
  t.pass('whatever they are');
});
