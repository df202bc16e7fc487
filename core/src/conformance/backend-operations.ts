/** What single operations compute: one row in, one row out, by hand or from torch 2.15 in double precision. */
import type { ElementwiseFunction, Operation } from '../spec/operations.js';
import type { SmallWeights } from './script-runner.js';

export interface OperationExample {
  readonly name: string;
  readonly operations: readonly Operation[];
  readonly weights?: SmallWeights;
  readonly widths?: Readonly<Record<string, number>>;
  readonly row: readonly number[];
  readonly expected: readonly number[];
}

const functionPoints = [-1, 0, 1, 3];

/** Values of each function at −1, 0, 1 and 3. */
const functionValues: Readonly<Record<ElementwiseFunction, readonly number[]>> = {
  silu: [-0.268941421, 0, 0.731058579, 2.85772238],
  gelu: [-0.158655254, 0, 0.841344746, 2.995950306],
  'gelu-tanh': [-0.158808009, 0, 0.841191991, 2.996362608],
  sigmoid: [0.268941421, 0.5, 0.731058579, 0.952574127],
  softplus: [0.313261688, Math.LN2, 1.313261688, 3.048587352],
  relu: [0, 0, 1, 3],
  tanh: [-0.761594156, 0, 0.761594156, 0.995054754],
  exp: [0.367879441, 1, Math.E, 20.085536923],
  negate: [1, 0, -1, -3],
  reciprocal: [-1, Number.POSITIVE_INFINITY, 1, 1 / 3],
};

const vector = (...data: readonly number[]): SmallWeights[string] => ({ shape: [data.length], data });

const single = (
  operation: Operation,
  row: readonly number[],
  expected: readonly number[],
  weights: SmallWeights = {},
): OperationExample => ({ name: operation.op, operations: [operation], weights, row, expected });

const input = 'x';
const output = 'y';

const singles: readonly OperationExample[] = [
  // Not square, so that a transposed matrix shows.
  single({ op: 'linear', input, weight: 'w', bias: 'b', output }, [1, 2], [12, 107, 1009], {
    w: { shape: [3, 2], data: [0, 1, 3, 2, 5, 2] },
    b: vector(10, 100, 1000),
  }),
  single({ op: 'linear', input, weight: 'w', output }, [1, 2, 3], [4], { w: { shape: [1, 3], data: [-1, 1, 1] } }),
  single({ op: 'add', left: input, right: input, output }, [1, 2], [2, 4]),
  single({ op: 'multiply', left: input, right: input, output }, [3, -2], [9, 4]),
  single({ op: 'scale', input, factor: 2, offset: 1, output }, [1, 2], [3, 5]),
  single({ op: 'clamp', input, maximum: 1, output }, [-5, 5], [-5, 1]),
  single({ op: 'multiply-vector', input, weight: 'w', output }, [1, 2, 3, 4], [1, 20, 3, 40], { w: vector(1, 10) }),
  single({ op: 'add-vector', input, weight: 'w', output }, [1, 2], [2, 12], { w: vector(1, 10) }),
  single(
    { op: 'rms-norm', input, weight: 'w', weightOffset: 1, epsilon: 0, output },
    [3, 4],
    [0.848528137, 2.2627417],
    {
      w: vector(0, 1),
    },
  ),
  single({ op: 'rms-norm', input, epsilon: 0, groupSize: 1, output }, [3, -4], [1, -1]),
  single({ op: 'rms-norm', input, epsilon: 3.5, output }, [3, 4], [0.75, 1]),
  single({ op: 'layer-norm', input, bias: 'b', epsilon: 0, output }, [1, 3], [0, 2], { b: vector(1, 1) }),
  single({ op: 'layer-norm', input, weight: 'w', epsilon: 3, output }, [1, 3], [-1, 1.5], { w: vector(2, 3) }),
  single({ op: 'l2-norm', input, epsilon: 0, output }, [3, 4], [0.6, 0.8]),
  single({ op: 'l2-norm', input, epsilon: 11, groupSize: 2, output }, [3, 4, 1, 2], [0.5, 2 / 3, 0.25, 0.5]),
  single({ op: 'softmax', input, groupSize: 2, output }, [0, 0, 1000, 0], [0.5, 0.5, 1, 0]),
  single({ op: 'slice', input, from: 1, to: 2, groupSize: 2, output }, [1, 2, 3, 4], [2, 4]),
  single({ op: 'concat', inputs: [input, input], groupSizes: [1, 1], output }, [1, 2], [1, 1, 2, 2]),
  single({ op: 'repeat', input, groupSize: 2, times: 2, output }, [1, 2, 3, 4], [1, 2, 1, 2, 3, 4, 3, 4]),
  single({ op: 'sum-groups', input, groupSize: 2, output }, [1, 2, 3, 4], [3, 7]),
  single({ op: 'add-groups', input, groupSize: 2, output }, [1, 2, 3, 4], [4, 6]),
  single({ op: 'group-linear', input, weight: 'w', output }, [1, 2, 3, 4], [3, -1], {
    w: { shape: [2, 1, 2], data: [1, 1, 1, -1] },
  }),
  single({ op: 'keep-columns', indices: input, width: 3, output }, [2, 0], [0, Number.NEGATIVE_INFINITY, 0]),
  single({ op: 'gather-columns', input, indices: input, output }, [1, 2, 0], [2, 0, 1]),
  single({ op: 'broadcast', weight: 'w', output }, [1, 2], [7, 8], { w: vector(7, 8) }),
  single({ op: 'zeros', width: 2, output }, [1, 2], [0, 0]),
];

const composed: readonly OperationExample[] = [
  {
    name: 'multiply-groups',
    operations: [
      { op: 'sum-groups', input, groupSize: 2, output: 'factors' },
      { op: 'multiply-groups', input, factors: 'factors', groupSize: 2, output },
    ],
    widths: { factors: 2 },
    row: [1, 2, 3, 4],
    expected: [3, 6, 21, 28],
  },
  {
    name: 'top-k breaks ties to the left, group by group',
    operations: [{ op: 'top-k', input, k: 2, groupSize: 3, indices: output, values: 'values' }],
    widths: { values: 4 },
    row: [5, 1, 5, 0, 2, 1],
    expected: [0, 2, 1, 2],
  },
  {
    name: 'expert-linear with one row for all choices',
    operations: [
      { op: 'slice', input, from: 0, to: 1, output: 'row' },
      { op: 'slice', input, from: 1, to: 3, output: 'chosen' },
      { op: 'expert-linear', input: 'row', indices: 'chosen', weight: 'w', bias: 'b', output },
    ],
    weights: { w: { shape: [3, 2, 1], data: [1, 2, 3, 4, 5, 6] }, b: { shape: [3, 2], data: [0, 0, 0, 0, 0.5, 0] } },
    widths: { row: 1, chosen: 2 },
    row: [10, 2, 0],
    expected: [50.5, 60, 10, 20],
  },
  {
    name: 'localize-experts: experts held elsewhere get weight zero and a local number',
    operations: [
      { op: 'slice', input, from: 0, to: 2, output: 'ids' },
      { op: 'slice', input, from: 2, to: 4, output: 'weights' },
      {
        op: 'localize-experts',
        indices: 'ids',
        weights: 'weights',
        range: [4, 6],
        localIndices: 'local',
        localWeights: 'local-weights',
      },
      { op: 'concat', inputs: ['local', 'local-weights'], output },
    ],
    widths: { ids: 2, weights: 2, local: 2, 'local-weights': 2 },
    row: [5, 3, 0.5, 0.25],
    expected: [1, 0, 0.5, 0],
  },
  {
    name: 'gated-feed-forward',
    operations: [
      {
        op: 'gated-feed-forward',
        input,
        gate: 'gate',
        up: 'up',
        down: 'down',
        downBias: 'bias',
        activation: 'relu',
        output,
      },
    ],
    weights: {
      gate: { shape: [2, 1], data: [1, -1] },
      up: { shape: [2, 1], data: [3, 5] },
      down: { shape: [1, 2], data: [1, 1] },
      bias: vector(0.5),
    },
    row: [2],
    expected: [12.5],
  },
];

/** Every example: a backend runs those whose operations it has. */
export const operationExamples: readonly OperationExample[] = [
  ...singles,
  ...Object.entries(functionValues).map(
    ([name, expected]): OperationExample => ({
      name: `elementwise ${name}`,
      operations: [{ op: 'elementwise', function: name as ElementwiseFunction, input, output }],
      row: functionPoints,
      expected,
    }),
  ),
  ...composed,
];
