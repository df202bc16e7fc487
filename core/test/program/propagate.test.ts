import { type Program, type ProgramOperation, propagate, type ScheduledItem, type ShardState } from '@shoal/core';
import t from 'tap';
import {
  declare,
  feedForward,
  feedForwardWeights,
  hiddenWidth,
  type ProgramParts,
  programOf,
  split,
} from './programs.js';

/** Communications of a program in order, for example `all-reduce sum`. */
function communications(program: Program): string[] {
  return propagate(program).schedule.flatMap((item: ScheduledItem) => {
    if (item.kind === 'all-reduce-sum') return [`all-reduce ${item.value}`];
    return item.kind === 'all-gather' ? [`all-gather ${item.value}`] : [];
  });
}

const stateOf = (program: Program, value: string): ShardState | undefined => propagate(program).states.get(value);

/** A value split by `inner`: 12 columns in units of 2. */
const rows = declare([12, hiddenWidth], split(0, 'inner', 2));
const makeSplit = (output: string): ProgramOperation => ({ op: 'linear', input: 'x', weight: 'up', output });

t.test('rows of a matrix make a split value, columns a partial one, the output a replicated one', async (test) => {
  const program = programOf({
    weights: feedForwardWeights,
    operations: feedForward,
    output: { kind: 'hidden', value: 'sum' },
  });
  test.same(stateOf(program, 'raised'), { kind: 'split', cut: 'inner', unit: 2 });
  test.same(stateOf(program, 'activated'), { kind: 'split', cut: 'inner', unit: 2 });
  test.same(stateOf(program, 'sum'), { kind: 'replicated' });
  test.same(communications(program), ['all-reduce sum']);
});

t.test('a residual waits for the sum; two partial sums are reduced once', async (test) => {
  const residual = programOf({
    weights: feedForwardWeights,
    operations: [...feedForward, { op: 'add', left: 'x', right: 'sum', output: 'y' }],
  });
  test.same(communications(residual), ['all-reduce sum']);

  const two = programOf({
    weights: feedForwardWeights,
    operations: [
      ...feedForward,
      { op: 'scale', input: 'sum', factor: 2, output: 'double' },
      { op: 'add', left: 'sum', right: 'double', output: 'both' },
      { op: 'add', left: 'both', right: 'x', output: 'y' },
    ],
  });
  test.same(communications(two), ['all-reduce both']);
});

t.test('a gate may scale a partial sum', async (test) => {
  const program = programOf({
    weights: { ...feedForwardWeights, gate: declare([1, hiddenWidth]) },
    operations: [
      ...feedForward,
      { op: 'linear', input: 'x', weight: 'gate', output: 'factor' },
      { op: 'multiply-groups', input: 'sum', factors: 'factor', groupSize: hiddenWidth, output: 'y' },
    ],
  });
  test.same(communications(program), ['all-reduce y']);
});

t.test('a split value is gathered for a consumer that needs it whole, once, and still used in parts', async (test) => {
  const program = programOf({
    weights: { up: rows, whole: declare([12, 12]), down: declare([12, 12], split(1, 'inner', 2)) },
    operations: [
      makeSplit('s'),
      { op: 'linear', input: 's', weight: 'whole', output: 'a' },
      { op: 'add', left: 'a', right: 's', output: 'b' },
      { op: 'linear', input: 's', weight: 'down', output: 'c' },
      { op: 'add', left: 'b', right: 'c', output: 'y' },
    ],
  });
  test.same(communications(program), ['all-gather s', 'all-reduce c']);
});

t.test('logits may stay split', async (test) => {
  const program = programOf({
    weights: { up: rows },
    operations: [
      { op: 'select-outputs', input: 'x', output: 'o' },
      { op: 'linear', input: 'o', weight: 'up', output: 'y' },
    ],
    output: { kind: 'logits', value: 'y' },
  });
  test.same(communications(program), []);
  test.same(stateOf(program, 'y'), { kind: 'split', cut: 'inner', unit: 2 });
});

t.test('replicate makes a partial sum fit for a norm, and costs nothing on a replicated value', async (test) => {
  const program = programOf({
    weights: feedForwardWeights,
    operations: [
      ...feedForward,
      { op: 'replicate', input: 'sum', output: 'whole' },
      { op: 'rms-norm', input: 'whole', epsilon: 1e-5, output: 'normalized' },
      { op: 'replicate', input: 'normalized', output: 'again' },
      { op: 'add', left: 'again', right: 'x', output: 'y' },
    ],
  });
  test.same(communications(program), ['all-reduce sum']);
});

t.test('operations by groups keep a split that does not divide groups', async (test) => {
  const cases: readonly (readonly [ProgramOperation, number])[] = [
    [{ op: 'rms-norm', input: 's', epsilon: 1e-5, groupSize: 2, output: 'y' }, 2],
    [{ op: 'slice', input: 's', from: 0, to: 1, groupSize: 2, output: 'y' }, 1],
    [{ op: 'repeat', input: 's', groupSize: 2, times: 3, output: 'y' }, 6],
    [{ op: 'sum-groups', input: 's', groupSize: 2, output: 'y' }, 1],
    [{ op: 'concat', inputs: ['s', 's'], groupSizes: [2, 2], output: 'y' }, 4],
  ];
  for (const [operation, unit] of cases) {
    const parts: ProgramParts = { weights: { up: rows }, operations: [makeSplit('s'), operation] };
    test.same(stateOf(programOf(parts), 'y'), { kind: 'split', cut: 'inner', unit }, operation.op);
  }
});

const attentionState = (cut: string) =>
  ({
    kv: {
      kind: 'key-value',
      layer: 0,
      keyWidth: 8,
      valueWidth: 8,
      shard: { kind: 'split', cut, keyUnit: 2, valueUnit: 2 },
    },
  }) as const;

/** 8 query heads of 2 columns share 4 key heads; `query` and `key` are the cuts. */
function attentionProgram(queryRanges: Program['cuts'][string], keyRanges: Program['cuts'][string]): Program {
  return programOf({
    cuts: { query: queryRanges, key: keyRanges },
    weights: {
      q: declare([16, 12], split(0, 'query', 2)),
      k: declare([8, 12], split(0, 'key', 2)),
      v: declare([8, 12], split(0, 'key', 2)),
      o: declare([12, 16], split(1, 'query', 2)),
    },
    states: attentionState('key'),
    operations: [
      { op: 'linear', input: 'x', weight: 'q', output: 'query' },
      { op: 'linear', input: 'x', weight: 'k', output: 'key' },
      { op: 'linear', input: 'x', weight: 'v', output: 'value' },
      {
        op: 'attention',
        query: 'query',
        key: 'key',
        value: 'value',
        state: 'kv',
        headSize: 2,
        scale: 1,
        output: 'attended',
      },
      { op: 'linear', input: 'attended', weight: 'o', output: 'y' },
    ],
  });
}

t.test('attention takes whole groups of query heads, or parts of one group', async (test) => {
  test.same(
    communications(
      attentionProgram(
        [
          [0, 4],
          [4, 6],
          [6, 8],
        ],
        [
          [0, 2],
          [2, 3],
          [3, 4],
        ],
      ),
    ),
    ['all-reduce y'],
  );
  test.doesNotThrow(
    () =>
      propagate(
        attentionProgram(
          [
            [0, 6],
            [6, 7],
            [7, 8],
          ],
          [
            [0, 3],
            [3, 4],
            [3, 4],
          ],
        ),
      ),
    'two members share head 3',
  );
  test.throws(
    () =>
      propagate(
        attentionProgram(
          [
            [0, 3],
            [3, 6],
            [6, 8],
          ],
          [
            [0, 2],
            [1, 3],
            [3, 4],
          ],
        ),
      ),
    {
      code: 'PROGRAM_SHARD_STATE',
      message: /member 0 has query heads \[0, 3\) but key heads \[0, 2\)/,
    },
  );
});

const partial: ProgramParts = { weights: feedForwardWeights, operations: feedForward };
const afterPartial = (operation: ProgramOperation, weights: ProgramParts['weights'] = {}): Program =>
  programOf({ weights: { ...partial.weights, ...weights }, operations: [...feedForward, operation] });
const afterSplit = (operation: ProgramOperation, parts: Partial<ProgramParts> = {}): Program =>
  programOf({ ...parts, weights: { up: rows, ...parts.weights }, operations: [makeSplit('s'), operation] });

const rejected: readonly (readonly [string, Program, string, RegExp])[] = [
  [
    'a norm of a partial sum',
    afterPartial({ op: 'rms-norm', input: 'sum', epsilon: 1e-5, output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum' is a partial sum/,
  ],
  [
    'an activation of a partial sum',
    afterPartial({ op: 'elementwise', function: 'silu', input: 'sum', output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'a shifted partial sum',
    afterPartial({ op: 'scale', input: 'sum', factor: 1, offset: 1, output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'a clamped partial sum',
    afterPartial({ op: 'clamp', input: 'sum', maximum: 1, output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'the product of two partial sums',
    afterPartial({ op: 'multiply', left: 'sum', right: 'sum', output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'a softmax of a partial sum',
    afterPartial({ op: 'softmax', input: 'sum', output: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'experts chosen by a partial sum',
    afterPartial({ op: 'top-k', input: 'sum', k: 2, indices: 'i', values: 'y' }),
    'PROGRAM_PARTIAL_NONLINEAR',
    /'sum'/,
  ],
  [
    'a bias added on every member',
    afterPartial({ op: 'add-vector', input: 'sum', weight: 'bias', output: 'y' }, { bias: declare([12]) }),
    'PROGRAM_SHARD_STATE',
    /bias 'bias' would be added on every member/,
  ],
  [
    'a bias of a partial linear that every member holds',
    programOf({
      weights: { ...feedForwardWeights, bias: declare([12]) },
      operations: [
        ...feedForward.slice(0, 2),
        { op: 'linear', input: 'activated', weight: 'down', bias: 'bias', output: 'y' },
      ],
    }),
    'PROGRAM_SHARD_STATE',
    /declare its shard 'first-member'/,
  ],
  [
    'a norm across a split',
    afterSplit({ op: 'rms-norm', input: 's', epsilon: 1e-5, output: 'y' }),
    'PROGRAM_SHARD_STATE',
    /divides groups of 12 columns/,
  ],
  [
    'a norm whose groups a split divides',
    afterSplit({ op: 'rms-norm', input: 's', epsilon: 1e-5, groupSize: 3, output: 'y' }),
    'PROGRAM_SHARD_STATE',
    /divides groups of 3/,
  ],
  [
    'values cut differently',
    programOf({
      weights: { up: rows, other: declare([12, 12], split(0, 'heads', 3)) },
      operations: [
        makeSplit('s'),
        { op: 'linear', input: 'x', weight: 'other', output: 'o' },
        { op: 'add', left: 's', right: 'o', output: 'y' },
      ],
    }),
    'PROGRAM_SHARD_STATE',
    /'s' is split by 'inner' in units of 2, 'o' split by 'heads' in units of 3/,
  ],
  [
    'columns of a matrix cut unlike its input',
    afterSplit(
      { op: 'linear', input: 's', weight: 'down', output: 'y' },
      { weights: { down: declare([12, 12], split(1, 'heads', 3)) } },
    ),
    'PROGRAM_SHARD_STATE',
    /cut by 'heads'/,
  ],
  [
    'a gather of units that members share',
    afterSplit(
      { op: 'linear', input: 's', weight: 'whole', output: 'y' },
      {
        weights: { whole: declare([12, 12]) },
        cuts: {
          inner: [
            [0, 4],
            [3, 6],
            [6, 6],
          ],
        },
      },
    ),
    'PROGRAM_SHARD_STATE',
    /cannot be gathered: members share units/,
  ],
  [
    'a sum over units that members share',
    programOf({
      weights: feedForwardWeights,
      operations: feedForward,
      cuts: {
        inner: [
          [0, 4],
          [3, 6],
          [6, 6],
        ],
      },
      output: { kind: 'hidden', value: 'sum' },
    }),
    'PROGRAM_SHARD_STATE',
    /would count units that several members hold/,
  ],
  [
    'a state cut unlike its keys',
    programOf({
      weights: {
        k: declare([8, 12], split(0, 'heads', 2)),
        v: declare([8, 12], split(0, 'heads', 2)),
        q: declare([8, 12], split(0, 'heads', 2)),
      },
      states: { kv: { kind: 'key-value', layer: 0, keyWidth: 8, valueWidth: 8, shard: { kind: 'replicated' } } },
      operations: [
        { op: 'linear', input: 'x', weight: 'q', output: 'query' },
        { op: 'linear', input: 'x', weight: 'k', output: 'key' },
        { op: 'linear', input: 'x', weight: 'v', output: 'value' },
        {
          op: 'attention',
          query: 'query',
          key: 'key',
          value: 'value',
          state: 'kv',
          headSize: 2,
          scale: 1,
          output: 'y',
        },
      ],
    }),
    'PROGRAM_SHARD_STATE',
    /state 'kv' is not cut like 'key'/,
  ],
  [
    'a vector cut unlike the value it scales',
    afterSplit(
      { op: 'multiply-vector', input: 's', weight: 'v', output: 'y' },
      { weights: { v: declare([12], split(0, 'heads', 3)) } },
    ),
    'PROGRAM_SHARD_STATE',
    /must be split on axis 0 by 'inner'/,
  ],
];

for (const [name, program, code, message] of rejected) {
  t.test(`rejected: ${name}`, async (test) => {
    test.throws(() => propagate(program), { code, message });
  });
}
