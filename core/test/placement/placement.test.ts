import { explainPlan, type PlacementRequest, type Plan, type PlanRefusal, parsePlanShape, place } from '@shoal/core';
import t from 'tap';
import {
  device,
  eightBillion,
  gibibyte,
  llamaModel,
  mebibyte,
  node,
  oneBillion,
  requestFor,
  tiny,
} from './llama-model.js';

function planned(request: PlacementRequest): Plan {
  const result = place(request);
  if ('refusal' in result) throw new Error(result.refusal.message);
  return result.plan;
}

function refused(request: PlacementRequest): PlanRefusal {
  const result = place(request);
  if ('plan' in result) throw new Error(explainPlan(result.plan));
  return result.refusal;
}

const placed = ({ stages }: Plan): string[] =>
  stages.map(({ layers: [from, to], members }) => `${from}-${to} ${members.map(({ nodeName }) => nodeName).join('+')}`);

t.test('a model that fits on one device stays on one', async (t) => {
  const model = llamaModel(eightBillion);
  const cases = [
    { name: 'the only one', nodes: [node('a', device(64 * gibibyte))], expected: ['0-32 a'] },
    {
      name: 'more cores win where bandwidths are unknown',
      nodes: [node('a', device(64 * gibibyte)), node('b', device(32 * gibibyte, { cores: 16 }))],
      expected: ['0-32 b'],
    },
    {
      name: 'bandwidth wins over cores',
      nodes: [
        node('a', device(64 * gibibyte, { bandwidth: 90e9, cores: 8 })),
        node('b', device(64 * gibibyte, { bandwidth: 60e9, cores: 64 })),
      ],
      expected: ['0-32 a'],
    },
    {
      name: 'a fast one that is too small is no choice where the way to it is slow',
      nodes: [node('a', device(64 * gibibyte)), node('b', device(3 * gibibyte, { kind: 'gpu', id: 'cuda0' }))],
      expected: ['0-32 a'],
    },
    {
      name: 'a GPU that holds it wins over processors',
      nodes: [node('a', device(64 * gibibyte)), node('b', device(24 * gibibyte, { kind: 'gpu', id: 'cuda0' }))],
      expected: ['0-32 b'],
    },
  ];
  for (const { name, nodes, expected } of cases) t.same(placed(planned(requestFor(model, nodes))), expected, name);
});

t.test('the preferred node wins between equals and is the head', async (t) => {
  const nodes = ['a', 'b', 'c'].map((name) => node(name, device(9 * gibibyte)));
  const single = planned(requestFor(llamaModel(oneBillion), nodes, { preferredNodeId: 'id-b' }));
  t.same(placed(single), ['0-16 b']);
  const split = planned(requestFor(llamaModel(eightBillion), nodes, { preferredNodeId: 'id-c' }));
  t.equal(split.stages[0]?.members[0]?.nodeName, 'c');
  t.equal(split.stages.length, 2);
});

t.test('a model too big for one device is cut over the fewest, in proportion to memory', async (t) => {
  const nodes = [node('a', device(6 * gibibyte)), node('b', device(4 * gibibyte)), node('c', device(12 * gibibyte))];
  const plan = planned(requestFor(llamaModel(eightBillion), nodes, { contextLength: 2048, slotCount: 1 }));
  t.equal(plan.stages.length, 2, 'a and c suffice');
  const [first, second] = plan.stages;
  t.equal(first?.members[0]?.nodeName, 'c');
  t.equal(second?.members[0]?.nodeName, 'a');
  t.ok((first?.layers[1] ?? 0) > 18 && (first?.layers[1] ?? 0) < 24, `c has ${first?.layers[1]} of 32 layers`);
  t.match(plan.leftOut, [{ nodeName: 'b', deviceId: 'cpu', reason: 'not needed' }]);
  t.match(plan.reasons.join('\n'), /No single device holds the model, which needs 15\.\d GiB/);
});

t.test('forced shapes', async (t) => {
  const nodes = [node('a', device(gibibyte)), node('b', device(gibibyte)), node('c', device(2 * gibibyte))];
  nodes.push(node('d', device(2 * gibibyte)));
  const model = llamaModel(tiny, 'f32');
  const shaped = (shape: string, options: object = {}): Plan =>
    planned(requestFor(model, nodes, { shape: parsePlanShape(shape), contextLength: 256, ...options }));

  t.equal(shaped('pp=1').stages.length, 1);
  t.same(
    shaped('pp=2').stages.map(({ layers }) => layers),
    [
      [0, 4],
      [4, 7],
    ],
    'equal memory, seven layers',
  );
  t.same(
    placed(shaped('pp=3')).map((line) => line.slice(-1)),
    ['c', 'd', 'a'],
    'the largest take part',
  );
  t.same(
    shaped('tp=2,pp=2').stages.map(({ members }) => members.length),
    [2, 2],
  );
});

t.test('a forced tensor split is uneven where memory is, and covers every axis', async (t) => {
  const nodes = [node('a', device(gibibyte)), node('b', device(2 * gibibyte)), node('c', device(3 * gibibyte))];
  const model = llamaModel(tiny, 'f32');
  const plan = planned(requestFor(model, nodes, { shape: parsePlanShape('tp=3'), contextLength: 256 }));
  t.equal(plan.stages.length, 1);
  const [stage] = plan.stages;
  t.same(
    stage?.members.map(({ nodeName }) => nodeName),
    ['c', 'b', 'a'],
  );
  t.same(stage?.cuts['feed-forward'], [
    [0, 96],
    [96, 160],
    [160, 192],
  ]);
  t.same(stage?.cuts.vocabulary, [
    [0, 128],
    [128, 213],
    [213, 256],
  ]);
  const shares = stage?.members.map(({ share }) => share) ?? [];
  t.ok(Math.abs(shares.reduce((sum, share) => sum + share, 0) - 1) < 1e-9);
  t.equal(new Set(stage?.members.map(({ programDigest }) => programDigest)).size, 3, 'three different programs');
});

t.test('quantized cuts fall on blocks and row tiles', async (t) => {
  const nodes = [node('a', device(gibibyte)), node('b', device(1.3 * gibibyte))];
  const plan = planned(
    requestFor(llamaModel(tiny, 'f32'), nodes, {
      shape: parsePlanShape('tp=2'),
      storage: { matrix: 'q8_0', embedding: 'q8_0' },
      contextLength: 256,
    }),
  );
  for (const [axis, ranges] of Object.entries(plan.stages[0]?.cuts ?? {})) {
    const unit = axis === 'attention-heads' ? 32 : 1;
    t.equal(((ranges[0]?.[1] ?? 0) * unit) % 32, 0, axis);
  }
});

t.test('a hybrid has stages of members, nodes kept together', async (t) => {
  const pair = (name: string) =>
    node(name, device(gibibyte, { kind: 'gpu', id: 'cuda0' }), device(gibibyte, { kind: 'gpu', id: 'cuda1' }));
  const plan = planned(
    requestFor(llamaModel(tiny, 'f32'), [pair('a'), pair('b')], {
      shape: parsePlanShape('tp=2,pp=2'),
      contextLength: 256,
    }),
  );
  // Both members of the first stage hold the embedding, so that it has fewer layers.
  t.same(placed(plan), ['0-3 a+a', '3-7 b+b']);
});

t.test('nodes on one machine share its memory', async (t) => {
  const model = llamaModel(eightBillion);
  const here = (name: string) => ({ ...node(name, device(10 * gibibyte)), machineId: 'm' });
  const refusal = refused(requestFor(model, [here('a'), here('b'), here('c')]));
  t.equal(refusal.code, 'PLAN_DOES_NOT_FIT');
  t.equal(refusal.availableBytes, 10 * gibibyte, 'not thirty');
  const small = requestFor(llamaModel(tiny, 'f32'), [here('a'), here('b')], { shape: parsePlanShape('pp=2') });
  t.same(planned(small).stages.length, 2, 'but a shape may be forced on it');
});

t.test('a refusal has the numbers', async (t) => {
  const nodes = [node('anna', device(2 * gibibyte)), node('bert', device(100 * mebibyte))];
  const refusal = refused(requestFor(llamaModel(eightBillion), nodes));
  t.equal(refusal.code, 'PLAN_DOES_NOT_FIT');
  t.match(
    refusal.message,
    /llama needs 1[67]\.\d GiB .* 4 × 4096 positions.* have 2\.10 GiB in all: cpu on anna \(2\.00 GiB available\), cpu on bert/,
  );
  t.match(refusal.reasons.join('\n'), /cpu on anna \(2\.00 GiB available\)/);
  t.match(refusal.reasons.join('\n'), /cpu on bert .* too small for a single layer/);
  const forced = refused(requestFor(llamaModel(eightBillion), nodes, { shape: parsePlanShape('pp=2') }));
  t.equal(forced.code, 'PLAN_DOES_NOT_FIT');
  t.match(forced.message, /as pp=2: .*cpu on anna needs .* GiB and has 2\.00 GiB for it/);
});

t.test('impossible shapes say why', async (t) => {
  const model = llamaModel(tiny, 'f32');
  const nodes = [node('a', device(gibibyte)), node('b', device(gibibyte))];
  const reason = (shape: string, count = 2): string => {
    const refusal = refused(requestFor(model, nodes.slice(0, count), { shape: parsePlanShape(shape) }));
    t.equal(refusal.code, 'PLAN_SHAPE_IMPOSSIBLE');
    return refusal.message;
  };
  t.match(reason('pp=3'), /pp=3: needs 3 devices; there are 2: cpu on a, cpu on b\./);
  t.match(reason('pp=8'), /the model has only 7 layers/);
  t.match(reason('tp=7'), /at most 6 members: a member needs at least one of the 6 attention heads/);
});

t.test('devices that cannot take part are left out with the reason', async (t) => {
  const model = llamaModel(tiny, 'f32');
  const absent = {
    ...device(0),
    properties: { available: false, id: 'cuda0', reason: 'no driver', remedy: 'install one' },
  } as const;
  const unknownMemory = device(gibibyte, { id: 'cpu1' });
  const nodes = [
    node('a', absent, device(gibibyte, { id: 'cpu0', capabilities: { operations: ['embedding', 'linear'] } })),
    node('b', device(gibibyte, { capabilities: { storageTypes: ['f16'] } })),
    node('c', {
      ...unknownMemory,
      properties: {
        ...unknownMemory.properties,
        memoryAvailableBytes: { unknown: 'no answer' },
        memoryTotalBytes: { unknown: 'no answer' },
      } as never,
    }),
  ];
  const none = refused(requestFor(model, nodes));
  t.equal(none.code, 'PLAN_NO_DEVICES');
  t.match(none.message, /^No device can take part: cuda0 on a: no driver .*; and 1 more\.$/);
  const reasons = none.reasons.join('\n');
  t.match(reasons, /cuda0 on a: no driver \(install one\)/);
  t.match(reasons, /cpu0 on a: the cpu backend does not run .*attention/);
  t.match(reasons, /cpu on b: the cpu backend does not run weights stored as f32/);
  t.match(reasons, /cpu1 on c: its available memory is unknown: no answer/);
  const nobody = refused(requestFor(model, []));
  t.equal(nobody.code, 'PLAN_NO_DEVICES');
  t.match(nobody.message, /none of 0 nodes offers one/);

  const plan = planned(requestFor(model, [...nodes, node('d', device(gibibyte))]));
  t.same(placed(plan), ['0-7 d']);
  t.equal(plan.leftOut.length, 4);
});

t.test('memory is counted to the byte', async (t) => {
  const model = llamaModel(tiny, 'f32');
  const options = { contextLength: 128, slotCount: 2, stateStorage: 'f32' } as const;
  const [stage] = planned(requestFor(model, [node('a', device(gibibyte))], options)).stages;
  const stored = [...model.tensors.values()].reduce((sum, { byteLength }) => sum + byteLength, 0);
  t.equal(stage?.members[0]?.weightBytes, stored, 'weights as stored');
  const keysAndValues = 7 * 2 * (3 * 32) * 128 * 2 * 4;
  const more = planned(requestFor(model, [node('a', device(gibibyte))], { ...options, slotCount: 4 })).stages[0];
  const difference = (more?.members[0]?.stateBytes ?? 0) - (stage?.members[0]?.stateBytes ?? 0);
  t.ok(difference >= keysAndValues, 'two more slots have two more states');

  const quantized = planned(
    requestFor(model, [node('a', device(gibibyte))], { ...options, storage: { matrix: 'q8_0', embedding: 'q8_0' } }),
  );
  const vectors = (2 * 7 + 1) * 96;
  t.equal(quantized.stages[0]?.members[0]?.weightBytes, ((stored / 4 - vectors) * 34) / 32 + vectors * 4);
});

t.test('a tied matrix is kept once on one stage, twice on two', async (t) => {
  const model = llamaModel({ ...tiny, tied: true }, 'f32');
  const nodes = [node('a', device(gibibyte)), node('b', device(gibibyte))];
  const bytes = (plan: Plan): number =>
    plan.stages.flatMap(({ members }) => members).reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  const whole = bytes(planned(requestFor(model, nodes)));
  const split = bytes(planned(requestFor(model, nodes, { shape: parsePlanShape('pp=2') })));
  t.equal(split - whole, 256 * 96 * 4);
});

t.test('bad numbers are refused as arguments', async (t) => {
  const request = requestFor(llamaModel(tiny), [node('a', device(gibibyte))], { contextLength: 0 });
  t.throws(() => place(request), { code: 'ARGUMENT_INVALID', message: /contextLength/ });
});

t.test('the same request gives the same plan', async (t) => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name, device(5 * gibibyte)));
  const request = requestFor(llamaModel(eightBillion), nodes);
  t.same(place(request), place({ ...request, nodes: nodes.toReversed() }), 'whatever the order of nodes');
});
