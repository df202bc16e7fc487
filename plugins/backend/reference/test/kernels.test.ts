import type { Operation } from '@shoal/core';
import t, { type Test } from 'tap';
import { Runner, runRow, type Weights } from './harness.js';

function close(test: Test, actual: readonly number[], expected: readonly number[], name: string): void {
  const worst = Math.max(...expected.map((x, i) => Math.abs(x - (actual[i] ?? Number.NaN))));
  test.ok(actual.length === expected.length && worst < 1e-6, `${name}: ${actual.join(' ')}`);
}

// Values of torch 2.15 in double precision.
const functions: readonly (readonly [Extract<Operation, { op: 'elementwise' }>['function'], readonly number[]])[] = [
  ['silu', [-0.268941421, 0, 0.731058579, 2.85772238]],
  ['gelu', [-0.158655254, 0, 0.841344746, 2.995950306]],
  ['gelu-tanh', [-0.158808009, 0, 0.841191991, 2.996362608]],
  ['sigmoid', [0.268941421, 0.5, 0.731058579, 0.952574127]],
  ['softplus', [0.313261688, Math.LN2, 1.313261688, 3.048587352]],
  ['relu', [0, 0, 1, 3]],
  ['tanh', [-0.761594156, 0, 0.761594156, 0.995054754]],
  ['exp', [0.367879441, 1, Math.E, 20.085536923]],
  ['negate', [1, 0, -1, -3]],
];

t.test('elementwise functions', async (test) => {
  for (const [name, expected] of functions) {
    close(
      test,
      await runRow({ operations: [{ op: 'elementwise', function: name, input: 'x', output: 'y' }] }, [-1, 0, 1, 3]),
      expected,
      name,
    );
  }
  close(
    test,
    await runRow({ operations: [{ op: 'elementwise', function: 'reciprocal', input: 'x', output: 'y' }] }, [2, -4]),
    [0.5, -0.25],
    'reciprocal',
  );
});

const vector = (...data: readonly number[]) => ({ shape: [data.length], data });

const single: readonly (readonly [string, Operation, Weights, readonly number[], readonly number[]])[] = [
  ['scale', { op: 'scale', input: 'x', factor: 2, offset: 1, output: 'y' }, {}, [1, 2], [3, 5]],
  ['clamp', { op: 'clamp', input: 'x', maximum: 1, output: 'y' }, {}, [-5, 5], [-5, 1]],
  [
    'multiply-vector by groups',
    { op: 'multiply-vector', input: 'x', weight: 'w', output: 'y' },
    { w: vector(1, 10) },
    [1, 2, 3, 4],
    [1, 20, 3, 40],
  ],
  ['add-vector', { op: 'add-vector', input: 'x', weight: 'w', output: 'y' }, { w: vector(1, 10) }, [1, 2], [2, 12]],
  [
    'rms-norm',
    { op: 'rms-norm', input: 'x', weight: 'w', weightOffset: 1, epsilon: 0, output: 'y' },
    { w: vector(0, 1) },
    [3, 4],
    [0.848528137, 2.2627417],
  ],
  ['rms-norm of heads', { op: 'rms-norm', input: 'x', epsilon: 0, groupSize: 1, output: 'y' }, {}, [3, -4], [1, -1]],
  [
    'layer-norm',
    { op: 'layer-norm', input: 'x', bias: 'b', epsilon: 0, output: 'y' },
    { b: vector(1, 1) },
    [1, 3],
    [0, 2],
  ],
  ['l2-norm', { op: 'l2-norm', input: 'x', epsilon: 0, output: 'y' }, {}, [3, 4], [0.6, 0.8]],
  [
    'softmax of groups',
    { op: 'softmax', input: 'x', groupSize: 2, output: 'y' },
    {},
    [0, 0, 1000, 0],
    [0.5, 0.5, 1, 0],
  ],
  ['slice of groups', { op: 'slice', input: 'x', from: 1, to: 2, groupSize: 2, output: 'y' }, {}, [1, 2, 3, 4], [2, 4]],
  ['concat of groups', { op: 'concat', inputs: ['x', 'x'], groupSizes: [1, 1], output: 'y' }, {}, [1, 2], [1, 1, 2, 2]],
  [
    'repeat',
    { op: 'repeat', input: 'x', groupSize: 2, times: 2, output: 'y' },
    {},
    [1, 2, 3, 4],
    [1, 2, 1, 2, 3, 4, 3, 4],
  ],
  ['sum-groups', { op: 'sum-groups', input: 'x', groupSize: 2, output: 'y' }, {}, [1, 2, 3, 4], [3, 7]],
  ['add-groups', { op: 'add-groups', input: 'x', groupSize: 2, output: 'y' }, {}, [1, 2, 3, 4], [4, 6]],
  [
    'group-linear',
    { op: 'group-linear', input: 'x', weight: 'w', output: 'y' },
    { w: { shape: [2, 1, 2], data: [1, 1, 1, -1] } },
    [1, 2, 3, 4],
    [3, -1],
  ],
  [
    'keep-columns',
    { op: 'keep-columns', indices: 'x', width: 3, output: 'y' },
    {},
    [2, 0],
    [0, Number.NEGATIVE_INFINITY, 0],
  ],
  ['broadcast', { op: 'broadcast', weight: 'w', output: 'y' }, { w: vector(7, 8) }, [1, 2], [7, 8]],
  ['zeros', { op: 'zeros', width: 2, output: 'y' }, {}, [1, 2], [0, 0]],
];

for (const [name, operation, weights, row, expected] of single) {
  t.test(name, async (test) => {
    const actual = await runRow({ operations: [operation], weights }, row, expected.length);
    if (name === 'keep-columns') test.same(actual, expected);
    else close(test, actual, expected, name);
  });
}

t.test('top-k breaks ties to the left, group by group', async (test) => {
  const operation: Operation = { op: 'top-k', input: 'x', k: 2, groupSize: 3, indices: 'y', values: 'v' };
  test.same(await runRow({ operations: [operation], widths: { v: 4 } }, [5, 1, 5, 0, 2, 1], 4), [0, 2, 1, 2]);
});

t.test('experts held elsewhere get weight zero and a local number', async (test) => {
  const operations: Operation[] = [
    { op: 'slice', input: 'x', from: 0, to: 2, output: 'ids' },
    { op: 'slice', input: 'x', from: 2, to: 4, output: 'weights' },
    {
      op: 'localize-experts',
      indices: 'ids',
      weights: 'weights',
      range: [4, 6],
      localIndices: 'local',
      localWeights: 'localWeights',
    },
    { op: 'concat', inputs: ['local', 'localWeights'], output: 'y' },
  ];
  test.same(
    await runRow({ operations, widths: { ids: 2, weights: 2, local: 2, localWeights: 2 } }, [5, 3, 0.5, 0.25]),
    [1, 0, 0.5, 0],
  );
});

t.test('rotation in both styles', async (test) => {
  const rotary = (style: 'half' | 'interleaved'): Operation => ({
    op: 'rotary',
    input: 'x',
    headSize: 5,
    rotatedSize: 4,
    style,
    inverseFrequencies: [Math.PI / 2, Math.PI],
    magnitude: 2,
    output: 'y',
  });
  for (const [style, expected] of [
    ['half', [-6, -4, 2, -8, 5]],
    ['interleaved', [-4, 2, -6, -8, 5]],
  ] as const) {
    const runner = await Runner.of({ inputWidth: 5, outputWidth: 5, operations: [rotary(style)] });
    const rows = [
      [1, 2, 3, 4, 5],
      [1, 2, 3, 4, 5],
    ];
    const [first, second] = runner.run([{ slot: 0, startPosition: 0, rows }]);
    close(test, first ?? [], [2, 4, 6, 8, 5], `${style} at position 0`);
    close(test, second ?? [], expected, `${style} at position 1`);
  }
});

t.test('a convolution looks back over steps', async (test) => {
  const runner = await Runner.of({
    inputWidth: 2,
    outputWidth: 2,
    operations: [{ op: 'causal-convolution', input: 'x', weight: 'w', bias: 'b', state: 's', output: 'y' }],
    weights: { w: { shape: [2, 3], data: [1, 10, 100, 0, 0, 1] }, b: vector(0, 0.5) },
    states: { s: { kind: 'recurrent', layer: 0, shape: [2, 2] } },
  });
  test.same(
    runner.run([
      {
        slot: 0,
        startPosition: 0,
        rows: [
          [1, 1],
          [2, 2],
        ],
      },
    ]),
    [
      [100, 1.5],
      [210, 2.5],
    ],
  );
  test.same(runner.run([{ slot: 0, startPosition: 2, rows: [[3, 3]] }]), [[321, 3.5]]);
});
