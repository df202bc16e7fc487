/** What backends do with whole programs: tokens in, rows chosen, values exchanged between segments, heads of attention. */
import assert from 'node:assert/strict';
import type { ScriptDevice } from '../spec/backend.js';
import type { Operation } from '../spec/operations.js';
import type { MemberProgram } from '../spec/program.js';
import { assertClose } from './assertions.js';
import type { StepCase } from './backend-steps.js';
import { compileSmall, memberProgram, rowsOf, ScriptRunner, type SmallWeights } from './script-runner.js';

const embedding: SmallWeights = { table: { shape: [4, 2], data: [0, 1, 10, 11, 20, 21, 30, 31] } };

/** From tokens to one row per output: what the first and the last stage do. */
const lookUp: MemberProgram = {
  ...memberProgram({ inputWidth: 2, outputWidth: 2, operations: [], weights: embedding }),
  input: { kind: 'tokens' },
  values: { hidden: { width: 2, rows: 'tokens' }, y: { width: 2, rows: 'outputs' } },
  boundaryValues: ['y'],
  segments: [
    {
      operations: [
        { op: 'embedding', weight: 'table', output: 'hidden' },
        { op: 'select-outputs', input: 'hidden', output: 'y' },
      ],
    },
  ],
};

/** Two segments with an exchange between them, as on a member of two. */
const exchanged: MemberProgram = {
  ...memberProgram({ inputWidth: 2, outputWidth: 2, operations: [], widths: { part: 2, kept: 2 } }),
  boundaryValues: ['x', 'y', 'part'],
  segments: [
    {
      operations: [
        { op: 'add', left: 'x', right: 'x', output: 'part' },
        { op: 'add', left: 'x', right: 'part', output: 'kept' },
      ],
      communication: { kind: 'all-reduce-sum', value: 'part' },
    },
    { operations: [{ op: 'add', left: 'part', right: 'kept', output: 'y' }] },
  ],
};

const heads = { query: 4, key: 2, size: 2 };
const scale = 0.5;

const grouped: readonly Operation[] = [
  { op: 'slice', input: 'x', from: 0, to: 8, output: 'q' },
  { op: 'slice', input: 'x', from: 8, to: 12, output: 'k' },
  { op: 'slice', input: 'x', from: 12, to: 16, output: 'v' },
  { op: 'attention', query: 'q', key: 'k', value: 'v', state: 's', headSize: heads.size, scale, output: 'y' },
];

/** The same without slices, for backends that have none: queries, keys and values are projections of the input. */
const projections: SmallWeights = {
  wq: { shape: [8, 16], data: selection(0, 8) },
  wk: { shape: [4, 16], data: selection(8, 4) },
  wv: { shape: [4, 16], data: selection(12, 4) },
};

function selection(from: number, rows: number): number[] {
  return Array.from({ length: rows * 16 }, (_, index) => (index % 16 === from + Math.floor(index / 16) ? 1 : 0));
}

const projected: readonly Operation[] = [
  { op: 'linear', input: 'x', weight: 'wq', output: 'q' },
  { op: 'linear', input: 'x', weight: 'wk', output: 'k' },
  { op: 'linear', input: 'x', weight: 'wv', output: 'v' },
  grouped[3] as Operation,
];

/** Rows without a pattern, between −1 and 1. */
const inputRows: readonly (readonly number[])[] = Array.from({ length: 5 }, (_, row) =>
  Array.from({ length: 16 }, (__, column) => Math.sin(1 + row * 7.3 + column * 2.1)),
);

/** Attention as its definition has it, in double precision. */
function attend(rows: readonly (readonly number[])[]): number[][] {
  return rows.map((row, position) =>
    Array.from({ length: heads.query }, (_, head) => {
      const shared = Math.floor((head * heads.key) / heads.query) * heads.size;
      const scores = rows.slice(0, position + 1).map((past) => {
        let sum = 0;
        for (let i = 0; i < heads.size; i += 1) {
          sum += (row[head * heads.size + i] as number) * (past[8 + shared + i] as number);
        }
        return Math.exp(scale * sum);
      });
      const total = scores.reduce((sum, score) => sum + score, 0);
      return Array.from({ length: heads.size }, (__, i) =>
        scores.reduce((sum, score, past) => sum + (score / total) * (rows[past]?.[12 + shared + i] as number), 0),
      );
    }).flat(),
  );
}

/** `open` gives the device under test. */
export function programCases(open: () => Promise<ScriptDevice>): StepCase[] {
  const attention = (name: string, operations: readonly Operation[], weights: SmallWeights): StepCase => ({
    name: `attention of four heads over two, ${name}`,
    needs: operations.map(({ op }) => op),
    run: async () => {
      const runner = await ScriptRunner.compile(await open(), {
        inputWidth: 16,
        outputWidth: 8,
        operations,
        weights,
        widths: { q: 8, k: 4, v: 4 },
        states: { s: { kind: 'key-value', layer: 0, keyWidth: 4, valueWidth: 4 } },
      });
      const found = [
        ...runner.run([{ slot: 1, startPosition: 0, rows: inputRows.slice(0, 3) }]),
        ...runner.run([{ slot: 1, startPosition: 3, rows: inputRows.slice(3) }]),
      ];
      assertClose(found, attend(inputRows));
    },
  });
  return [
    {
      name: 'tokens become rows of the table, and the asked rows of each sequence come out',
      needs: ['embedding', 'select-outputs'],
      run: async () => {
        const executable = await compileSmall(await open(), lookUp, embedding);
        const y = new Float32Array(3 * 2);
        executable.beginStep({
          sequences: [
            { slot: 0, startPosition: 0, tokenCount: 3, outputRows: 1 },
            { slot: 1, startPosition: 0, tokenCount: 1, outputRows: 0 },
            { slot: 2, startPosition: 0, tokenCount: 2, outputRows: 2 },
          ],
          tokens: Uint32Array.of(3, 2, 1, 0, 0, 3),
        });
        executable.execute(0, new Map([['y', y]]));
        executable.endStep();
        assertClose(rowsOf(y, 2), [
          [10, 11],
          [0, 1],
          [30, 31],
        ]);
      },
    },
    {
      name: 'what an exchange left in a value is what the next segment reads; other values stay',
      needs: ['add'],
      run: async () => {
        const executable = await compileSmall(await open(), exchanged, {});
        const step = {
          sequences: [{ slot: 0, startPosition: 0, tokenCount: 2, outputRows: 0 }],
          tokens: new Uint32Array(2),
        };
        const [x, y, part] = [Float32Array.of(1, 2, 3, 4), new Float32Array(4), new Float32Array(4)];
        const boundary = new Map([
          ['x', x],
          ['y', y],
          ['part', part],
        ]);
        executable.beginStep(step);
        executable.execute(0, boundary);
        assertClose(rowsOf(part, 2), [
          [2, 4],
          [6, 8],
        ]);
        // The other member's part comes on top, as the driver does it.
        for (let i = 0; i < part.length; i += 1) part[i] = (part[i] as number) + 100;
        executable.execute(1, boundary);
        executable.endStep();
        assertClose(rowsOf(y, 2), [
          [105, 110],
          [115, 120],
        ]);
      },
    },
    {
      name: 'two shards on one device do not see each other, and one outlives the other',
      needs: ['linear'],
      run: async () => {
        const device = await open();
        const compile = (factor: number) =>
          ScriptRunner.compile(device, {
            inputWidth: 1,
            outputWidth: 1,
            operations: [{ op: 'linear', input: 'x', weight: 'w', output: 'y' }],
            weights: { w: { shape: [1, 1], data: [factor] } },
          });
        const [first, second] = [await compile(2), await compile(3)];
        const rowsAt = (startPosition: number) => [{ slot: 0, startPosition, rows: [[1]] }];
        assertClose(first.run(rowsAt(0)), [[2]]);
        assertClose(second.run(rowsAt(0)), [[3]]);
        first.executable.release();
        assertClose(second.run(rowsAt(1)), [[3]]);
      },
    },
    attention('of slices', grouped, {}),
    attention('of projections', projected, projections),
    {
      name: 'a program with an operation that it does not list is refused',
      needs: [],
      run: async () => {
        const device = await open();
        const operations = [{ op: 'no-such-operation', input: 'x', output: 'y' } as unknown as Operation];
        const program = memberProgram({ inputWidth: 1, outputWidth: 1, operations });
        const options = { slotCount: 1, contextLength: 4, stateStorage: 'f32', maximumStepTokens: 4 } as const;
        // When it is compiled, or at the latest when it runs.
        await assert.rejects(async () => {
          const executable = await device.compile(program, { read: () => undefined }, options);
          const step = {
            sequences: [{ slot: 0, startPosition: 0, tokenCount: 1, outputRows: 0 }],
            tokens: Uint32Array.of(0),
          };
          executable.beginStep(step);
          executable.execute(
            0,
            new Map([
              ['x', new Float32Array(1)],
              ['y', new Float32Array(1)],
            ]),
          );
        });
      },
    },
  ];
}
