/** What backends remember between the rows of a sequence, and how slots are forked, truncated and freed. */
import assert from 'node:assert/strict';
import type { ScriptDevice } from '../spec/backend.js';
import type { Operation } from '../spec/operations.js';
import { assertClose } from './assertions.js';
import type { ConformanceCase } from './case.js';
import { ScriptRunner, type SmallProgram } from './script-runner.js';

/** One head of one column that attends with equal weights: the mean of the visible values. */
const mean: SmallProgram = {
  inputWidth: 1,
  outputWidth: 1,
  operations: [
    { op: 'scale', input: 'x', factor: 0, output: 'nothing' },
    { op: 'attention', query: 'nothing', key: 'nothing', value: 'x', state: 's', headSize: 1, scale: 1, output: 'y' },
  ],
  widths: { nothing: 1 },
  states: { s: { kind: 'key-value', layer: 0, keyWidth: 1, valueWidth: 1 } },
};

const windowed: SmallProgram = {
  ...mean,
  operations: mean.operations.map((operation) =>
    operation.op === 'attention' ? { ...operation, window: 2, sinks: 'sink' } : operation,
  ),
  weights: { sink: { shape: [1], data: [0] } },
};

const convolution: SmallProgram = {
  inputWidth: 2,
  outputWidth: 2,
  operations: [{ op: 'causal-convolution', input: 'x', weight: 'w', bias: 'b', state: 's', output: 'y' }],
  weights: { w: { shape: [2, 3], data: [1, 10, 100, 0, 0, 1] }, b: { shape: [2], data: [0, 0.5] } },
  states: { s: { kind: 'recurrent', layer: 0, shape: [2, 2] } },
};

const rotation = (style: 'half' | 'interleaved'): SmallProgram => ({
  inputWidth: 5,
  outputWidth: 5,
  operations: [
    {
      op: 'rotary',
      input: 'x',
      headSize: 5,
      rotatedSize: 4,
      style,
      inverseFrequencies: [Math.PI / 2, Math.PI],
      magnitude: 2,
      output: 'y',
    } satisfies Operation,
  ],
});

const rowsOf = (...values: readonly number[]): number[][] => values.map((value) => [value]);

/** A case with the operations that it needs. */
export interface StepCase extends ConformanceCase {
  readonly needs: readonly Operation['op'][];
}

/** `open` gives the device under test. */
export function stepCases(open: () => Promise<ScriptDevice>): StepCase[] {
  const compile = async (small: SmallProgram, options = {}): Promise<ScriptRunner> =>
    ScriptRunner.compile(await open(), small, options);
  const attentionCase = (name: string, run: () => Promise<void>): StepCase => ({
    name,
    run,
    needs: ['attention', 'scale'],
  });
  return [
    attentionCase('sequences of one step see their own past only', async () => {
      const runner = await compile(mean);
      runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(2, 4) }]);
      const together = runner.run([
        { slot: 1, startPosition: 0, rows: rowsOf(10, 20) },
        { slot: 0, startPosition: 2, rows: rowsOf(6) },
      ]);
      assertClose(together, rowsOf(10, 15, 4));
    }),
    attentionCase('a prompt in pieces is the same prompt', async () => {
      const whole = (await compile(mean)).run([{ slot: 0, startPosition: 0, rows: rowsOf(1, 5, 9, 3) }]);
      const runner = await compile(mean);
      const first = runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(1) }]);
      assertClose([...first, ...runner.run([{ slot: 0, startPosition: 1, rows: rowsOf(5, 9, 3) }])], whole);
    }),
    attentionCase('fork copies a prefix, truncate cuts it, free forgets all', async () => {
      const runner = await compile(mean);
      const { executable } = runner;
      runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(2, 4, 100) }]);
      executable.slotOperation({ kind: 'fork', from: 0, to: 2, length: 2 });
      assertClose(runner.run([{ slot: 2, startPosition: 2, rows: rowsOf(6) }]), rowsOf(4));
      executable.slotOperation({ kind: 'truncate', slot: 0, length: 1 });
      assertClose(runner.run([{ slot: 0, startPosition: 1, rows: rowsOf(8) }]), rowsOf(5));
      executable.slotOperation({ kind: 'free', slot: 0 });
      assertClose(runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(7) }]), rowsOf(7));
    }),
    attentionCase('a fork and its original go on apart', async () => {
      const runner = await compile(mean);
      const { executable } = runner;
      // What was in the slot before must not show.
      runner.run([{ slot: 1, startPosition: 0, rows: rowsOf(1000, 1000, 1000) }]);
      runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(2, 4) }]);
      executable.slotOperation({ kind: 'free', slot: 1 });
      executable.slotOperation({ kind: 'fork', from: 0, to: 1, length: 2 });
      assertClose(runner.run([{ slot: 1, startPosition: 2, rows: rowsOf(600) }]), rowsOf(202));
      assertClose(runner.run([{ slot: 0, startPosition: 2, rows: rowsOf(6) }]), rowsOf(4));
      const both = [
        { slot: 1, startPosition: 3, rows: rowsOf(2) },
        { slot: 0, startPosition: 3, rows: rowsOf(8) },
      ];
      assertClose(runner.run(both), rowsOf(152, 5));
    }),
    attentionCase('a window hides what is further back; a sink takes its part', async () => {
      // Two visible positions and a sink of the same weight: a third of their sum.
      const rows = (await compile(windowed)).run([{ slot: 0, startPosition: 0, rows: rowsOf(3, 6, 9) }]);
      assertClose(rows, rowsOf(1.5, 3, 5));
    }),
    attentionCase('more positions than agreed are refused', async () => {
      const runner = await compile(mean, { contextLength: 4 });
      const tooLong = [{ slot: 0, startPosition: 0, rows: rowsOf(1, 2, 3, 4, 5) }];
      assert.throws(() => runner.run(tooLong), { code: 'BACKEND_FAILED' });
    }),
    {
      name: 'a convolution looks back over steps',
      needs: ['causal-convolution'],
      run: async () => {
        const runner = await compile(convolution);
        assertClose(
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
        runner.executable.slotOperation({ kind: 'fork', from: 0, to: 1, length: 2 });
        assertClose(runner.run([{ slot: 0, startPosition: 2, rows: [[3, 3]] }]), [[321, 3.5]]);
        assertClose(runner.run([{ slot: 1, startPosition: 2, rows: [[4, 4]] }]), [[421, 4.5]]);
      },
    },
    ...(['half', 'interleaved'] as const).map(
      (style): StepCase => ({
        name: `rotation, ${style}`,
        needs: ['rotary'],
        run: async () => {
          const row = [1, 2, 3, 4, 5];
          const rows = (await compile(rotation(style))).run([{ slot: 0, startPosition: 0, rows: [row, row] }]);
          const turned = style === 'half' ? [-6, -4, 2, -8, 5] : [-4, 2, -6, -8, 5];
          assertClose(rows, [[2, 4, 6, 8, 5], turned]);
          // The angle is that of the position, not of the row within the step: four steps on, it is the same again.
          const runner = await compile(rotation(style));
          runner.run([{ slot: 0, startPosition: 0, rows: [row, row, row, row, row] }]);
          assertClose(runner.run([{ slot: 0, startPosition: 5, rows: [row] }]), [turned]);
        },
      }),
    ),
  ];
}
