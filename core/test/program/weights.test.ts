import {
  evaluateExpression,
  expressionByteRanges,
  expressionShape,
  type Range,
  SafetensorsCheckpoint,
  sliceExpression,
  tensor,
  type WeightExpression,
} from '@shoal/core';
import t, { type Test } from 'tap';
import { f32, writeCheckpoint } from './checkpoint.js';
import { randomNumbers } from './random.js';

const numbers = (count: number, start = 0): number[] => Array.from({ length: count }, (_, i) => start + i);
const whole = (shape: readonly number[]): Range[] => shape.map((size): Range => [0, size]);

function openCheckpoint(test: Test): SafetensorsCheckpoint {
  const directory = test.testdir({});
  writeCheckpoint(directory, {
    matrix: f32([4, 6], numbers(24)),
    other: f32([2, 6], numbers(12, 100)),
    cube: f32([2, 3, 4], numbers(24, 1000)),
    vector: f32([6], numbers(6, 50)),
  });
  const checkpoint = new SafetensorsCheckpoint(directory);
  test.teardown(() => checkpoint.close());
  return checkpoint;
}

const evaluate = (expression: WeightExpression, checkpoint: SafetensorsCheckpoint): number[] => [
  ...evaluateExpression(expression, whole(expressionShape(expression, checkpoint.tensors)), checkpoint),
];

t.test('every kind of expression', async (test) => {
  const checkpoint = openCheckpoint(test);
  const input = tensor('matrix');
  const cases: readonly (readonly [WeightExpression, readonly number[], readonly number[]])[] = [
    [{ kind: 'slice', input, axis: 1, range: [4, 6] }, [4, 2], [4, 5, 10, 11, 16, 17, 22, 23]],
    [
      { kind: 'concat', inputs: [{ kind: 'slice', input, axis: 0, range: [0, 1] }, tensor('other')], axis: 0 },
      [3, 6],
      [...numbers(6), ...numbers(12, 100)],
    ],
    [{ kind: 'stack', inputs: [tensor('vector'), tensor('vector')] }, [2, 6], [...numbers(6, 50), ...numbers(6, 50)]],
    [{ kind: 'stride', input: tensor('other'), axis: 1, start: 1, step: 2 }, [2, 3], [101, 103, 105, 107, 109, 111]],
    [
      { kind: 'transpose', input: tensor('other') },
      [6, 2],
      [100, 106, 101, 107, 102, 108, 103, 109, 104, 110, 105, 111],
    ],
    [
      { kind: 'permute', input: tensor('cube'), order: [1, 0, 2] },
      [3, 2, 4],
      [0, 12, 4, 16, 8, 20].flatMap((x) => numbers(4, 1000 + x)),
    ],
    [{ kind: 'reshape', input: tensor('cube'), shape: [6, 4] }, [6, 4], numbers(24, 1000)],
    [{ kind: 'convert', input: tensor('vector'), to: 'f16' }, [6], numbers(6, 50)],
  ];
  for (const [expression, shape, values] of cases) {
    test.same(expressionShape(expression, checkpoint.tensors), shape, `shape of ${expression.kind}`);
    test.same(evaluate(expression, checkpoint), values, `values of ${expression.kind}`);
  }
});

t.test('slices are merged, dropped where they are whole, and taken to the parts that matter', async (test) => {
  const { tensors } = openCheckpoint(test);
  const input = tensor('matrix');
  const rows: WeightExpression = { kind: 'slice', input, axis: 0, range: [1, 4] };
  test.equal(sliceExpression(input, 0, [0, 4], tensors), input);
  test.same(sliceExpression(rows, 0, [1, 2], tensors), { kind: 'slice', input, axis: 0, range: [2, 3] });
  const joined: WeightExpression = { kind: 'concat', inputs: [input, tensor('other')], axis: 0 };
  test.same(sliceExpression(joined, 0, [4, 6], tensors), tensor('other'));
  test.same(sliceExpression({ kind: 'stack', inputs: [input, input, tensor('matrix')] }, 0, [0, 1], tensors), {
    kind: 'stack',
    inputs: [input],
  });
  test.same(sliceExpression({ kind: 'transpose', input }, 0, [0, 3], tensors), {
    kind: 'transpose',
    input: { kind: 'slice', input, axis: 1, range: [0, 3] },
  });
});

t.test('byte ranges: neighbours joined, nothing else read', async (test) => {
  const { tensors } = openCheckpoint(test);
  const rows = sliceExpression(tensor('matrix'), 0, [1, 3], tensors);
  test.same(expressionByteRanges(rows, tensors), [{ tensor: 'matrix', range: [24, 72] }]);
  const columns = sliceExpression(tensor('other'), 1, [2, 4], tensors);
  test.same(expressionByteRanges(columns, tensors), [
    { tensor: 'other', range: [8, 16] },
    { tensor: 'other', range: [32, 40] },
  ]);
  const both: WeightExpression = {
    kind: 'concat',
    inputs: [rows, sliceExpression(tensor('matrix'), 0, [0, 1], tensors)],
    axis: 0,
  };
  test.same(expressionByteRanges(both, tensors), [{ tensor: 'matrix', range: [0, 72] }]);
});

t.test('expressions that do not fit are refused', async (test) => {
  const { tensors } = openCheckpoint(test);
  const input = tensor('matrix');
  const broken: readonly WeightExpression[] = [
    { kind: 'slice', input, axis: 0, range: [2, 9] },
    { kind: 'slice', input, axis: 2, range: [0, 1] },
    { kind: 'concat', inputs: [], axis: 0 },
    { kind: 'concat', inputs: [input, tensor('cube')], axis: 0 },
    { kind: 'stack', inputs: [input, tensor('other')] },
    { kind: 'stride', input, axis: 0, start: 4, step: 1 },
    { kind: 'stride', input, axis: 0, start: 0, step: 0 },
    { kind: 'transpose', input: tensor('vector') },
    { kind: 'permute', input, order: [0, 0] },
    { kind: 'reshape', input, shape: [5, 5] },
    { kind: 'run' } as unknown as WeightExpression,
  ];
  for (const expression of broken) {
    test.throws(() => expressionShape(expression, tensors), { code: 'PROGRAM_INVALID' }, JSON.stringify(expression));
  }
  test.throws(() => expressionShape(tensor('absent'), tensors), { code: 'MODEL_TENSOR_MISSING' });
});

t.test('property: a slice pushed into an expression is a slice of its value', async (test) => {
  const checkpoint = openCheckpoint(test);
  const { tensors } = checkpoint;
  const random = randomNumbers(3);
  const pick = <T>(items: readonly T[]): T => items[Math.floor(random() * items.length)] as T;
  const grow = (expression: WeightExpression): WeightExpression => {
    const shape = expressionShape(expression, tensors);
    const axis = Math.floor(random() * shape.length);
    const size = shape[axis] as number;
    switch (pick(['slice', 'concat', 'stack', 'stride', 'transpose', 'permute', 'reshape'])) {
      case 'slice': {
        const from = Math.floor(random() * size);
        return {
          kind: 'slice',
          input: expression,
          axis,
          range: [from, from + 1 + Math.floor(random() * (size - from))],
        };
      }
      case 'concat':
        return { kind: 'concat', inputs: [expression, expression], axis };
      case 'stack':
        return shape.length > 3 ? expression : { kind: 'stack', inputs: [expression, expression, expression] };
      case 'stride':
        return { kind: 'stride', input: expression, axis, start: Math.floor(random() * Math.min(2, size)), step: 2 };
      case 'transpose':
        return shape.length < 2 ? expression : { kind: 'transpose', input: expression };
      case 'permute':
        return { kind: 'permute', input: expression, order: shape.map((_, i) => (i + 1) % shape.length) };
      default:
        return {
          kind: 'reshape',
          input: expression,
          shape: [...shape.slice(0, -2), (shape.at(-2) ?? 1) * (shape.at(-1) as number)],
        };
    }
  };
  for (let round = 0; round < 400; round += 1) {
    let expression: WeightExpression = tensor(pick(['matrix', 'other', 'cube', 'vector']));
    for (let step = 0; step < 3; step += 1) expression = grow(expression);
    const shape = expressionShape(expression, tensors);
    const axis = Math.floor(random() * shape.length);
    const from = Math.floor(random() * (shape[axis] as number));
    const range: Range = [from, from + 1 + Math.floor(random() * ((shape[axis] as number) - from))];
    const pushed = evaluate(sliceExpression(expression, axis, range, tensors), checkpoint);

    // The same elements, picked from the value as a whole by their index.
    const inner = shape.slice(axis + 1).reduce((a, b) => a * b, 1);
    const direct = evaluate(expression, checkpoint).filter((_, i) => {
      const index = Math.floor(i / inner) % (shape[axis] as number);
      return index >= range[0] && index < range[1];
    });
    if (String(pushed) !== String(direct)) test.fail(`${JSON.stringify(expression)} axis ${axis} ${range}`);
  }
  test.pass('400 random expressions');
});
