import type { Plan } from '@shoal/core';
import {
  hasDrifted,
  type LoadedPlan,
  reconsider,
  reconsiderDefaults,
} from '@shoal/core/internal/placement/reconsider.js';
import t from 'tap';

type Source = NonNullable<Plan['predicted']>['source'];

/** A pipeline over nodes of one device each, with a prediction. */
function plan(
  nodes: readonly string[],
  millisecondsPerToken: number,
  source: Source = 'measured',
  gigabytes = 2,
): Plan {
  return {
    modelName: 'model',
    modelDigest: '',
    strategy: 'llama',
    strategyVersion: '1',
    storage: { matrix: 'as-stored', embedding: 'as-stored' },
    stateStorage: 'f16',
    contextLength: 64,
    slotCount: 1,
    stages: nodes.map((nodeId, index) => ({
      layers: [index, index + 1],
      cuts: {},
      members: [
        {
          nodeId,
          nodeName: nodeId,
          backend: 'cpu',
          deviceId: 'cpu',
          share: 1,
          programDigest: '',
          weightBytes: (gigabytes * 1e9) / nodes.length,
          stateBytes: 0,
        },
      ],
    })),
    predicted: {
      millisecondsPerToken,
      tokensPerSecond: 1000 / millisecondsPerToken,
      prefillTokensPerSecond: 100,
      timeToFirstTokenMilliseconds: 1000,
      promptTokens: 100,
      source,
    },
    reasons: [],
    leftOut: [],
  };
}

const loaded = (of: Plan, changes: Partial<LoadedPlan> = {}): LoadedPlan => ({
  plan: of,
  millisecondsPerToken: of.predicted?.millisecondsPerToken,
  measuredMillisecondsPerToken: undefined,
  ageSeconds: 3600,
  ...changes,
});

const nobody = new Map<string, string>();

t.test('to stay or to move', async (t) => {
  const slow = plan(['a'], 100);
  const cases: {
    name: string;
    current: LoadedPlan;
    candidate: Plan | undefined;
    cordoned?: ReadonlyMap<string, string>;
    expected: object;
  }[] = [
    {
      name: 'nothing else fits',
      current: loaded(slow),
      candidate: undefined,
      expected: { decision: 'stay', reason: /no other plan fits/ },
    },
    {
      name: 'the same plan',
      current: loaded(slow),
      candidate: plan(['a'], 90),
      expected: { decision: 'stay', reason: /still the best/ },
    },
    {
      name: 'clearly faster',
      current: loaded(slow),
      candidate: plan(['b'], 50),
      expected: { decision: 'move', gain: 0.5, costSeconds: 10, reason: /50\.0 ms a token instead of 100 ms/ },
    },
    {
      name: 'somewhat faster',
      current: loaded(slow),
      candidate: plan(['b'], 75),
      expected: { decision: 'stay', reason: /not 30 % less/ },
    },
    { name: 'slower', current: loaded(slow), candidate: plan(['b'], 130), expected: { decision: 'stay' } },
    {
      name: 'by figures that were not measured',
      current: loaded(slow),
      candidate: plan(['b'], 20, 'table'),
      expected: { decision: 'stay', reason: /not measured/ },
    },
    {
      name: 'loaded a moment ago',
      current: loaded(slow, { ageSeconds: 20 }),
      candidate: plan(['b'], 50),
      expected: { decision: 'stay', reason: /only 20 s ago/ },
    },
    {
      name: 'too much to load',
      current: loaded(slow),
      candidate: plan(['b'], 60, 'measured', 400),
      expected: { decision: 'stay', reason: /loading takes 2000 s/ },
    },
    {
      name: 'a node that takes no shares any more',
      current: loaded(slow, { ageSeconds: 1 }),
      candidate: plan(['b'], 300),
      cordoned: new Map([['a', 'drained']]),
      expected: { decision: 'move', reason: /a takes no shares any more: drained/ },
    },
    {
      name: 'another node that takes none',
      current: loaded(slow),
      candidate: plan(['b'], 300),
      cordoned: new Map([['c', 'drained']]),
      expected: { decision: 'stay' },
    },
    {
      name: 'a device that is hot now',
      current: loaded(slow, { millisecondsPerToken: 250 }),
      candidate: plan(['b'], 120),
      expected: { decision: 'move', reason: /120 ms a token instead of 250 ms/ },
    },
    {
      name: 'slower than predicted, for a reason nobody knows',
      current: loaded(slow, { measuredMillisecondsPerToken: 200 }),
      candidate: plan(['b'], 90),
      expected: { decision: 'move', reason: /90\.0 ms a token instead of 200 ms/ },
    },
    {
      name: 'the same on the same device would stay slow',
      current: loaded(slow, { measuredMillisecondsPerToken: 200 }),
      candidate: plan(['a', 'b'], 95),
      expected: { decision: 'stay' },
    },
    {
      name: 'a device that is gone',
      current: loaded(slow, { millisecondsPerToken: undefined }),
      candidate: plan(['b'], 60),
      expected: { decision: 'move' },
    },
  ];
  for (const { name, current, candidate, cordoned = nobody, expected } of cases) {
    t.match(reconsider(current, { candidate, cordoned }), expected, name);
  }
});

t.test('what moved does not move back', async (t) => {
  const [here, there] = [plan(['a'], 100), plan(['b'], 69)];
  t.equal(reconsider(loaded(here), { candidate: there, cordoned: nobody }).decision, 'move');
  t.equal(reconsider(loaded(there), { candidate: plan(['a'], 60), cordoned: nobody }).decision, 'stay', 'for a little');
  const settings = { ...reconsiderDefaults, trustAssumedFigures: true, minimumGain: 0.1 };
  t.equal(
    reconsider(loaded(here), { candidate: plan(['b'], 80, 'table'), cordoned: nobody }, settings).decision,
    'move',
  );
});

t.test('a drift is more than noise', async (t) => {
  t.notOk(hasDrifted(100, 120));
  t.ok(hasDrifted(100, 140));
  t.notOk(hasDrifted(undefined, 140));
  t.notOk(hasDrifted(100, undefined));
});
