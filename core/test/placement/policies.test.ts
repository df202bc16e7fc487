import {
  type Link,
  type PlacementNode,
  type PlacementOptions,
  type Plan,
  type PlanRefusal,
  parseManualStages,
  place,
} from '@shoal/core';
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
import { linkBetween } from './random-cluster.js';

const large = llamaModel(eightBillion);

function result(
  nodes: readonly PlacementNode[],
  options: PlacementOptions = {},
  links?: readonly Link[],
  model = large,
) {
  const settings = { contextLength: 1024, slotCount: 1, ...options };
  return place({ ...requestFor(model, nodes, settings), ...(links === undefined ? {} : { links }) });
}

function planned(...parameters: Parameters<typeof result>): Plan {
  const found = result(...parameters);
  if ('refusal' in found) throw new Error(found.refusal.message);
  return found.plan;
}

function refused(...parameters: Parameters<typeof result>): PlanRefusal {
  const found = result(...parameters);
  if ('plan' in found) throw new Error('there is a plan');
  return found.refusal;
}

const placed = ({ stages }: Plan): string =>
  stages
    .map(({ layers: [from, to], members }) => `${members.map(({ nodeName }) => nodeName).join('+')} ${to - from}`)
    .join(', ');

/** All of them with all others. */
function mesh(nodes: readonly PlacementNode[], microseconds: number, bytesPerSecond = 1e9): Link[] {
  return nodes.flatMap((from) =>
    nodes.filter((to) => to !== from).map((to) => linkBetween(from, to, microseconds, bytesPerSecond)),
  );
}

t.test('a split is chosen where it is predicted to be faster', async (t) => {
  const fast = ['a', 'b'].map((name) =>
    node(name, device(24 * gibibyte, { kind: 'gpu', id: 'gpu', bandwidth: 100e9 })),
  );
  const near = planned(fast, {}, mesh(fast, 20));
  t.equal(placed(near), 'a+b 32', 'near devices share every layer');
  t.match(near.reasons[0], /Split over gpu on a \+ gpu on b: .* ms a token instead of .* on gpu on [ab] alone/);
  const far = planned(fast, {}, mesh(fast, 3000));
  t.equal(far.stages.length, 1);
  t.equal(far.stages[0]?.members.length, 1, 'far ones do not');
  t.match(far.leftOut[0]?.reason, /not needed: no faster with it \(\d+ ms a token\)/);
  t.equal(planned(fast).stages[0]?.members.length, 1, 'and not where nothing is known of the way');
  t.ok((near.predicted?.millisecondsPerToken ?? Infinity) < (far.predicted?.millisecondsPerToken ?? 0) * 0.7);
  t.equal(near.predicted?.source, 'measured');
});

t.test('the fastest have the most layers, slow ones none', async (t) => {
  const nodes = [
    node('slow', device(64 * gibibyte, { bandwidth: 2e9 })),
    node('fast', device(9 * gibibyte, { bandwidth: 200e9 })),
    node('middle', device(12 * gibibyte, { bandwidth: 50e9 })),
  ];
  const plan = planned(nodes, {}, mesh(nodes, 2000));
  t.notMatch(placed(plan), /slow/);
  const layers = Object.fromEntries(
    plan.stages.map((stage) => [stage.members[0]?.nodeName, stage.layers[1] - stage.layers[0]]),
  );
  t.ok((layers.fast ?? 0) >= 15, `the fast one is filled: ${placed(plan)}`);
  t.match(plan.leftOut, [{ nodeName: 'slow', reason: /not needed: .* ms a token with it, .* ms without/ }]);
});

t.test('a machine that is hot counts for less', async (t) => {
  const cool = node('cool', device(64 * gibibyte, { bandwidth: 50e9 }));
  const hot = {
    ...node('hot', device(64 * gibibyte, { bandwidth: 60e9 })),
    derating: { factor: 0.5, reason: 'at 97 °C' },
  };
  t.equal(placed(planned([cool, hot])), 'cool 32');
  const alone = planned([hot]);
  t.match(alone.reasons.at(-1), 'hot counts as 50 % of itself: at 97 °C.');
  const well = planned([{ ...hot, derating: { factor: 1, reason: '' } }]);
  t.ok((alone.predicted?.millisecondsPerToken ?? 0) > (well.predicted?.millisecondsPerToken ?? Infinity) * 1.8);
});

t.test('a node that takes no new shares has none', async (t) => {
  const nodes = [{ ...node('a', device(64 * gibibyte)), cordoned: 'being drained' }, node('b', device(32 * gibibyte))];
  const plan = planned(nodes);
  t.equal(placed(plan), 'b 32');
  t.match(plan.leftOut, [{ nodeName: 'a', reason: 'takes no new shares: being drained' }]);
});

t.test('for all slots together, arithmetic counts', async (t) => {
  const rates = (decode: number, prefill: number) => ({
    storage: 'bf16' as const,
    decodeBytesPerSecond: { value: decode, source: 'measured' as const },
    prefillOperationsPerSecond: { value: prefill, source: 'measured' as const },
  });
  const withRates = (name: string, decode: number, prefill: number): PlacementNode => {
    const one = device(64 * gibibyte);
    return node(name, { ...one, properties: { ...one.properties, rates: [rates(decode, prefill)] } as never });
  };
  const nodes = [withRates('wide', 60e9, 0.2e12), withRates('deep', 50e9, 20e12)];
  t.equal(placed(planned(nodes, { slotCount: 16 })), 'wide 32');
  t.equal(placed(planned(nodes, { slotCount: 16, objective: 'throughput' })), 'deep 32');
  const capacity = planned(nodes, { objective: 'capacity' });
  t.equal(capacity.stages.length, 2, 'and for memory everybody does');
});

t.test('the smallest cycle takes the fewest that are joined, the nearest of those', async (t) => {
  const nodes = ['a', 'b', 'c', 'd'].map((name) => node(name, device(9 * gibibyte)));
  const [a, b, c, d] = nodes as [PlacementNode, PlacementNode, PlacementNode, PlacementNode];
  const both = (left: PlacementNode, right: PlacementNode, microseconds: number) => [
    linkBetween(left, right, microseconds, 1e9),
    linkBetween(right, left, microseconds, 1e9),
  ];
  const links = [...both(a, b, 500), ...both(b, c, 400), ...both(c, d, 50)];
  t.match(placed(planned(nodes, { policy: 'smallest-cycle' }, links)), /^(c \d+, d \d+|d \d+, c \d+)$/);
  const apart = planned([a, d], { policy: 'smallest-cycle' });
  t.equal(apart.stages.length, 2, 'without links everybody counts as joined');
  const island = [node('x', device(9 * gibibyte)), node('y', device(9 * gibibyte)), a, b];
  t.match(placed(planned(island, { policy: 'smallest-cycle' }, both(a, b, 900))), /a \d+, b \d+/);
});

t.test('a ring has everybody, by memory', async (t) => {
  const nodes = [4, 8, 16].map((size) => node(`n${size}`, device(size * gibibyte)));
  const plan = planned(nodes, { policy: 'ring-memory-weighted' });
  t.equal(plan.stages.length, 3);
  const layersOf = (name: string): number =>
    plan.stages.flatMap((stage) => (stage.members[0]?.nodeName === name ? stage.layers[1] - stage.layers[0] : []))[0] ??
    0;
  t.ok(layersOf('n16') > layersOf('n8') && layersOf('n8') > layersOf('n4'), placed(plan));
});

t.test('scores weigh compute, memory, network and heat', async (t) => {
  const nodes = [
    node('quick', device(20 * gibibyte, { bandwidth: 100e9 })),
    node('vast', device(40 * gibibyte, { bandwidth: 20e9 })),
    { ...node('hot', device(20 * gibibyte, { bandwidth: 100e9 })), derating: { factor: 0.5, reason: 'hot' } },
  ];
  const plan = planned(nodes, { policy: 'weighted-score' });
  t.equal(placed(plan), 'quick 32');
  t.match(plan.reasons[0], /By score .*: quick 0\.\d\d/);
});

t.test('who takes what may be said', async (t) => {
  const nodes = [
    node('anna', device(20 * gibibyte), device(20 * gibibyte, { kind: 'gpu', id: 'cuda0' })),
    node('ben', device(20 * gibibyte)),
  ];
  const manual = (text: string) => planned(nodes, { manual: parseManualStages(text) });
  t.equal(placed(manual('ben=0-20,anna=21-31')), 'ben 21, anna 11');
  t.equal(manual('anna/cpu').stages[0]?.members[0]?.deviceId, 'cpu');
  t.equal(placed(manual('anna/cpu,anna/cuda0,ben')).split(',').length, 3);
  const shared = manual('anna/cuda0*3+ben*1=0-15,anna/cpu=16-31');
  t.equal(placed(shared), 'anna+ben 16, anna 16');
  t.same(shared.stages[0]?.cuts['attention-heads'], [
    [0, 24],
    [24, 32],
  ]);
  const without = manual('anna*1+ben*0');
  t.same(
    without.stages[0]?.cuts['attention-heads'],
    [
      [0, 32],
      [32, 32],
    ],
    'a share of nothing is legal',
  );

  const reason = (text: string) => {
    const { code, message } = refused(nodes, { manual: parseManualStages(text) });
    t.equal(code, 'PLAN_SHAPE_IMPOSSIBLE');
    return message;
  };
  t.match(reason('carl'), /there is no node carl with the model; there are anna, ben/);
  t.match(reason('ben,ben'), /ben is named more often than it has devices \(cpu\)/);
  t.match(reason('ben/cuda7'), /ben has no device cuda7/);
  t.match(reason('anna=0-20,ben=22-31'), /do not cover 0 to 31/);
  t.match(refused(nodes, { manual: parseManualStages('ben'), contextLength: 8192, slotCount: 256 }), {
    code: 'PLAN_DOES_NOT_FIT',
    message: /cpu on ben needs .* and has 20\.0 GiB/,
  });
  t.throws(() => result(nodes, { policy: 'manual' }), { code: 'ARGUMENT_INVALID' });
  const odd = { code: 'ARGUMENT_INVALID', message: /none of/ };
  t.throws(() => result(nodes, { policy: '' as 'manual' }), odd);
  t.throws(() => result(nodes, { objective: 'none' as 'latency' }), odd);
});

t.test('other texts are refused with the reason', async (t) => {
  const cases = [
    ['', /"" is not of the form/],
    ['a=3-1', /go backwards/],
    ['a=0-3,b', /either all stages say their layers, or none/],
    ['a*2+b', /either all members say their share, or none/],
    ['a=x', /not of the form/],
    ['a+', /"" is not of the form/],
  ] as const;
  for (const [text, message] of cases)
    t.throws(() => parseManualStages(text), { code: 'ARGUMENT_INVALID', message }, text);
});

t.test('what does not fit says what would', async (t) => {
  const nodes = [node('a', device(6 * gibibyte)), node('b', device(4 * gibibyte))];
  const { missingBytes = 0, needs, reasons } = refused(nodes, { contextLength: 8192, slotCount: 8 });
  t.ok(missingBytes > 12 * gibibyte && missingBytes < 16 * gibibyte, `${missingBytes}`);
  t.same(needs, undefined, 'nothing alone is enough');
  t.match(reasons[0], /GiB more would be needed/);
  const less = refused([node('a', device(12 * gibibyte))]);
  t.match(less.needs, { storage: 'q8_0' });
  t.match(less.reasons.join('\n'), /it would fit with storage q8_0/);
  const context = refused([node('a', device(19 * gibibyte))], { contextLength: 8192, slotCount: 8 });
  t.match(context.needs, { storage: 'q8_0', contextLength: 2048, slotCount: 2 });
  t.ok(refused([node('a', device(mebibyte))], {}, [], llamaModel(oneBillion)).missingBytes);
});

t.test('a cluster is never planned slower than its best machine', async (t) => {
  for (const microseconds of [5, 50, 500, 5000]) {
    const nodes = [3, 30, 100].map((speed) => node(`n${speed}`, device(2 * gibibyte, { bandwidth: speed * 1e9 })));
    const model = llamaModel(tiny, 'f32');
    const alone = planned([nodes[2] as PlacementNode], {}, undefined, model).predicted?.millisecondsPerToken ?? 0;
    const together = planned(nodes, {}, mesh(nodes, microseconds), model).predicted?.millisecondsPerToken ?? Infinity;
    t.ok(together <= alone, `${together} ms instead of ${alone} ms`);
  }
});

t.test('a rack of near devices, of which several are needed, has a plan', async (t) => {
  const nodes = Array.from({ length: 10 }, (_, index) =>
    node(`n${index}`, device((2.2 + ((index * 7) % 11) / 11) * gibibyte, { bandwidth: (20 + (index % 5) * 20) * 1e9 })),
  );
  const plan = planned(nodes, {}, mesh(nodes, 60));
  t.ok(plan.stages.flatMap(({ members }) => members).length >= 6, placed(plan));
});
