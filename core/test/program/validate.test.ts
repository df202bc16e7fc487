import { type Program, type ProgramOperation, ShoalError, validateProgram } from '@shoal/core';
import t from 'tap';
import { declare, programOf, split } from './programs.js';

const copy: ProgramOperation = { op: 'scale', input: 'x', factor: 1, output: 'y' };
const valid = programOf({ operations: [copy] });

t.test('a valid program has widths for all its values', async (test) => {
  const program = programOf({
    weights: { w: declare([20, 12]) },
    operations: [
      { op: 'linear', input: 'x', weight: 'w', output: 'wide' },
      { op: 'slice', input: 'wide', from: 1, to: 4, groupSize: 5, output: 'y' },
    ],
  });
  const values = validateProgram(program);
  test.same(values.get('wide'), { width: 20, rows: 'tokens' });
  test.same(values.get('y'), { width: 12, rows: 'tokens' });
});

const broken: readonly (readonly [string, Program, string, RegExp])[] = [
  ['another version', { ...valid, programVersion: 99 }, 'PROGRAM_INVALID', /programVersion/],
  ['no members', { ...valid, memberCount: 0 }, 'PROGRAM_INVALID', /memberCount/],
  [
    'a value used before it is defined',
    programOf({ operations: [{ op: 'add', left: 'x', right: 'z', output: 'y' }] }),
    'PROGRAM_INVALID',
    /operations\[0\] \(add → y\): value 'z' is not defined/,
  ],
  [
    'a value defined twice',
    programOf({ operations: [copy, copy] }),
    'PROGRAM_INVALID',
    /operations\[1\].*'y' is defined twice/,
  ],
  ['an output that is not there', programOf({ operations: [] }), 'PROGRAM_INVALID', /output: value 'y'/],
  [
    'an unknown operation',
    programOf({ operations: [{ op: 'toString', input: 'x', output: 'y' } as unknown as ProgramOperation] }),
    'PROGRAM_INVALID',
    /unknown operation 'toString'/,
  ],
  [
    'token ids asked of a later stage',
    programOf({
      weights: { e: declare([8, 12], undefined, 'embedding') },
      operations: [{ op: 'embedding', weight: 'e', output: 'y' }],
    }),
    'PROGRAM_INVALID',
    /does not see token ids/,
  ],
  [
    'an undeclared weight',
    programOf({ operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'y' }] }),
    'PROGRAM_INVALID',
    /weight 'w' is not declared/,
  ],
  [
    'a weight without use',
    programOf({ weights: { w: declare([12]) }, operations: [copy] }),
    'PROGRAM_INVALID',
    /weights\.w: is never used/,
  ],
  [
    'a matrix of the wrong width',
    programOf({
      weights: { w: declare([12, 11]) },
      operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'y' }],
    }),
    'PROGRAM_INVALID',
    /weight 'w' is \[12, 11\], expected \[any, 12\]/,
  ],
  [
    'heads that do not divide the columns',
    programOf({ operations: [{ op: 'softmax', input: 'x', groupSize: 5, output: 'y' }] }),
    'PROGRAM_INVALID',
    /12 columns, not a multiple of its group size 5/,
  ],
  [
    'output rows where rows of tokens are expected',
    programOf({ operations: [{ op: 'select-outputs', input: 'x', output: 'y' }] }),
    'PROGRAM_INVALID',
    /output: 'y' has a row per outputs/,
  ],
  [
    'a cut with a range too few',
    programOf({ cuts: { inner: [[0, 6]] }, operations: [copy] }),
    'PROGRAM_CUT_INVALID',
    /cuts\.inner: 1 ranges for 3 members/,
  ],
  [
    'a cut that leaves a unit out',
    programOf({
      cuts: {
        inner: [
          [0, 2],
          [3, 5],
          [5, 6],
        ],
      },
      weights: { w: declare([12, 12], split(0, 'inner', 2)) },
      operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'y' }],
    }),
    'PROGRAM_CUT_INVALID',
    /do not cover exactly 6 units/,
  ],
  [
    'a cut of two sizes',
    programOf({
      weights: { w: declare([12, 12], split(0, 'inner', 2)), v: declare([12], split(0, 'inner', 3)) },
      operations: [{ op: 'linear', input: 'x', weight: 'w', bias: 'v', output: 'y' }],
    }),
    'PROGRAM_INVALID',
    /cut 'inner' has 4 units here, 6 at weights\.w/,
  ],
  [
    'an unknown cut',
    programOf({
      weights: { w: declare([12, 12], split(0, 'outer', 2)) },
      operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'y' }],
    }),
    'PROGRAM_INVALID',
    /there is no cut 'outer'/,
  ],
  [
    'a latent state that is split',
    programOf({
      states: {
        s: { kind: 'latent', layer: 0, width: 12, shard: { kind: 'split', cut: 'inner', keyUnit: 2, valueUnit: 2 } },
      },
      operations: [copy],
    }),
    'PROGRAM_INVALID',
    /latent state cannot be split/,
  ],
];

for (const [name, program, code, message] of broken) {
  t.test(name, async (test) => {
    test.throws(() => validateProgram(program), { code, message });
    try {
      validateProgram(program);
    } catch (error) {
      test.ok(ShoalError.is(error) && typeof error.details.path === 'string', 'the error carries the path');
    }
  });
}

t.test('zero shares and shared units are legal', async (test) => {
  const program = programOf({
    cuts: {
      inner: [
        [0, 4],
        [4, 4],
        [3, 6],
      ],
    },
    weights: { w: declare([12, 12], split(0, 'inner', 2)) },
    operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'z' }, copy],
  });
  test.doesNotThrow(() => validateProgram(program));
});
