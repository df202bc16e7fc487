import {
  lowerProgram,
  type MemberProgram,
  type Program,
  type ProgramOperation,
  programDigest,
  propagate,
} from '@shoal/core';
import t from 'tap';
import { declare, feedForward, feedForwardWeights, hiddenWidth, programOf, split, tensorsOf } from './programs.js';

const asStored = { matrix: 'as-stored', embedding: 'as-stored' } as const;

function lowerAll(program: Program): MemberProgram[] {
  const propagated = propagate(program);
  return Array.from({ length: program.memberCount }, (_, member) =>
    lowerProgram(propagated, member, asStored, tensorsOf(program)),
  );
}

const residual: readonly ProgramOperation[] = [...feedForward, { op: 'add', left: 'x', right: 'sum', output: 'y' }];

t.test('segments end at communications; widths and slices are local', async (test) => {
  const [first, second] = lowerAll(programOf({ weights: feedForwardWeights, operations: residual })) as [
    MemberProgram,
    MemberProgram,
  ];
  test.equal(first.segments.length, 2);
  test.same(first.segments[0]?.communication, { kind: 'all-reduce-sum', value: 'sum' });
  test.same(first.segments[1]?.operations, [{ op: 'add', left: 'x', right: 'sum', output: 'y' }]);
  test.same(first.boundaryValues, ['x', 'sum', 'y']);
  test.same([first.values.raised?.width, second.values.raised?.width, first.values.sum?.width], [6, 4, 12]);
  test.same(second.weights.up, {
    shape: [4, 12],
    source: { kind: 'slice', input: { kind: 'tensor', name: 'up' }, axis: 0, range: [6, 10] },
    role: 'matrix',
    storage: 'f32',
  });
  test.same(second.weights.down?.source, {
    kind: 'slice',
    input: { kind: 'tensor', name: 'down' },
    axis: 1,
    range: [6, 10],
  });
});

t.test('a member without a share adds zeros and holds nothing', async (test) => {
  const program = programOf({
    cuts: {
      inner: [
        [0, 0],
        [0, 4],
        [4, 6],
      ],
    },
    weights: feedForwardWeights,
    operations: residual,
  });
  const [idle] = lowerAll(program) as [MemberProgram];
  test.same(idle.segments[0]?.operations, [{ op: 'zeros', width: hiddenWidth, output: 'sum' }]);
  test.same(idle.weights, {});
  test.same(Object.keys(idle.values).sort(), ['sum', 'x', 'y']);
});

t.test('a bias of a sum is held by the first member that has a part of the sum', async (test) => {
  const program = programOf({
    cuts: {
      inner: [
        [0, 0],
        [0, 4],
        [4, 6],
      ],
    },
    weights: { ...feedForwardWeights, bias: declare([12], { kind: 'first-member' }) },
    operations: [
      ...feedForward.slice(0, 2),
      { op: 'linear', input: 'activated', weight: 'down', bias: 'bias', output: 'sum' },
      { op: 'add', left: 'x', right: 'sum', output: 'y' },
    ],
  });
  const holders = lowerAll(program).map(({ weights }) => 'bias' in weights);
  test.same(holders, [false, true, false]);
  const [, , last] = lowerAll(program) as [MemberProgram, MemberProgram, MemberProgram];
  test.same(last.segments[0]?.operations.at(-1), { op: 'linear', input: 'activated', weight: 'down', output: 'sum' });
});

t.test('a member without columns takes part in a gather without a value', async (test) => {
  const program = programOf({
    cuts: {
      inner: [
        [0, 4],
        [4, 4],
        [4, 6],
      ],
    },
    weights: { up: feedForwardWeights.up, whole: declare([12, 12]) },
    operations: [
      { op: 'linear', input: 'x', weight: 'up', output: 's' },
      { op: 'linear', input: 's', weight: 'whole', output: 'y' },
    ],
  });
  const [first, idle] = lowerAll(program) as [MemberProgram, MemberProgram];
  const gather = { kind: 'all-gather', value: 's', output: 's.gathered', widths: [8, 0, 4] };
  test.same(first.segments[0]?.communication, gather);
  test.same(idle.segments[0], { operations: [], communication: gather });
  test.same(first.boundaryValues, ['x', 's', 's.gathered', 'y']);
  test.same(idle.boundaryValues, ['x', 's.gathered', 'y']);
  test.notOk('s' in idle.values);
});

t.test('one member needs no communication', async (test) => {
  const program: Program = {
    ...programOf({
      cuts: { inner: [[0, 6]], heads: [[0, 4]] },
      weights: { ...feedForwardWeights, whole: declare([12, 12]) },
      operations: [
        ...residual.slice(0, 3),
        { op: 'linear', input: 'raised', weight: 'whole', output: 'other' },
        { op: 'add', left: 'sum', right: 'other', output: 'y' },
      ],
    }),
    memberCount: 1,
  };
  const [only] = lowerAll(program) as [MemberProgram];
  test.equal(only.segments.length, 1);
  test.same(only.segments[0]?.operations[3], { op: 'linear', input: 'raised', weight: 'whole', output: 'other' });
  test.same(only.weights.up?.source, { kind: 'tensor', name: 'up' });
});

t.test('experts held elsewhere become choices of weight zero', async (test) => {
  const expert = (shape: readonly number[]) => declare(shape, split(0, 'experts', 1));
  const program = programOf({
    cuts: {
      experts: [
        [0, 2],
        [2, 2],
        [2, 4],
      ],
    },
    weights: {
      router: declare([4, 12], split(0, 'experts', 1)),
      gate: expert([4, 6, 12]),
      up: expert([4, 6, 12]),
      down: expert([4, 12, 6]),
    },
    operations: [
      { op: 'linear', input: 'x', weight: 'router', output: 'logits' },
      {
        op: 'router',
        logits: 'logits',
        scoring: 'softmax',
        topK: 2,
        normalize: true,
        factor: 1,
        indices: 'i',
        weights: 'w',
      },
      {
        op: 'experts',
        input: 'x',
        indices: 'i',
        weights: 'w',
        gate: 'gate',
        up: 'up',
        down: 'down',
        activation: 'silu',
        output: 'y',
      },
    ],
  });
  const [, idle, last] = lowerAll(program) as [MemberProgram, MemberProgram, MemberProgram];
  test.same(last.segments[1]?.operations[1], {
    op: 'localize-experts',
    indices: 'i',
    weights: 'w',
    range: [2, 4],
    localIndices: 'y.local-indices',
    localWeights: 'y.local-weights',
  });
  test.same(last.weights.gate?.shape, [2, 6, 12]);
  test.same(idle.segments[1]?.operations, [{ op: 'zeros', width: 12, output: 'y' }], 'no experts, no routing');
});

t.test('logits say which part of the vocabulary they are', async (test) => {
  const program = programOf({
    weights: { up: feedForwardWeights.up },
    operations: [
      { op: 'select-outputs', input: 'x', output: 'o' },
      { op: 'linear', input: 'o', weight: 'up', output: 'y' },
    ],
    output: { kind: 'logits', value: 'y' },
  });
  test.same(
    lowerAll(program).map(({ output }) => output),
    [
      [0, 6],
      [6, 10],
      [10, 12],
    ].map((vocabularyRange) => ({ kind: 'logits', value: 'y', vocabularyRange, vocabularySize: 12 })),
  );
});

t.test('storage: vectors stay F32, as-stored follows the checkpoint, blocks must divide rows', async (test) => {
  const program = programOf({
    weights: { ...feedForwardWeights, v: declare([12]) },
    operations: [...residual.slice(0, 3), { op: 'multiply-vector', input: 'sum', weight: 'v', output: 'y' }],
  });
  const propagated = propagate(program);
  const stored = lowerProgram(propagated, 0, asStored, tensorsOf(program, 'bf16'));
  test.same([stored.weights.up?.storage, stored.weights.v?.storage], ['bf16', 'f32']);
  test.throws(() => lowerProgram(propagated, 0, { matrix: 'q8_0', embedding: 'f16' }, tensorsOf(program)), {
    code: 'PROGRAM_STORAGE_BLOCK',
    message: /weights\.up: rows of 12 elements are not whole blocks of 32/,
  });
  test.throws(() => lowerProgram(propagated, 0, asStored, tensorsOf(program, 'F8_E4M3')), {
    code: 'MODEL_STORAGE_UNSUPPORTED',
  });
});

t.test('a checkpoint that does not fit is refused', async (test) => {
  const program = programOf({ weights: feedForwardWeights, operations: residual });
  const propagated = propagate(program);
  const tensors = new Map(tensorsOf(program));
  tensors.set('up', { storage: 'f32', shape: [10, 12], byteLength: 480 });
  test.throws(() => lowerProgram(propagated, 0, asStored, tensors), {
    code: 'PROGRAM_INVALID',
    message: /weights\.up: declared as \[12, 12\]/,
  });
  tensors.delete('up');
  test.throws(() => lowerProgram(propagated, 0, asStored, tensors), { code: 'MODEL_TENSOR_MISSING', message: /'up'/ });
});

t.test('the digest is of the content, not of the order of keys', async (test) => {
  const [first, second] = lowerAll(programOf({ weights: feedForwardWeights, operations: residual })) as [
    MemberProgram,
    MemberProgram,
  ];
  const reordered = Object.fromEntries(Object.entries(first).reverse()) as unknown as MemberProgram;
  test.match(programDigest(first), /^[0-9a-f]{64}$/);
  test.equal(programDigest(reordered), programDigest(first));
  test.not(programDigest(second), programDigest(first));
});
