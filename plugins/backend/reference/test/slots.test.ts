import type { MemberState, Operation } from '@shoal/core';
import t from 'tap';
import { Runner, type SmallProgram } from './harness.js';

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

const rowsOf = (...values: readonly number[]): number[][] => values.map((value) => [value]);

t.test('sequences of one step see their own past only', async (test) => {
  const runner = await Runner.of(mean);
  runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(2, 4) }]);
  const together = runner.run([
    { slot: 1, startPosition: 0, rows: rowsOf(10, 20) },
    { slot: 0, startPosition: 2, rows: rowsOf(6) },
  ]);
  test.same(together, rowsOf(10, 15, 4));
});

t.test('a prompt in pieces is the same prompt', async (test) => {
  const whole = (await Runner.of(mean)).run([{ slot: 0, startPosition: 0, rows: rowsOf(1, 5, 9, 3) }]);
  const runner = await Runner.of(mean);
  const pieces = [
    ...runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(1) }]),
    ...runner.run([{ slot: 0, startPosition: 1, rows: rowsOf(5, 9, 3) }]),
  ];
  test.same(pieces, whole);
});

t.test('fork copies a prefix, truncate cuts it, free forgets all', async (test) => {
  const { executable, ...runner } = await Runner.of(mean).then((made) => ({
    executable: made.executable,
    run: made.run.bind(made),
  }));
  runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(2, 4, 100) }]);
  executable.slotOperation({ kind: 'fork', from: 0, to: 2, length: 2 });
  test.same(runner.run([{ slot: 2, startPosition: 2, rows: rowsOf(6) }]), rowsOf(4));
  executable.slotOperation({ kind: 'truncate', slot: 0, length: 1 });
  test.same(runner.run([{ slot: 0, startPosition: 1, rows: rowsOf(8) }]), rowsOf(5));
  executable.slotOperation({ kind: 'free', slot: 0 });
  test.same(runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(7) }]), rowsOf(7));
});

t.test('a window and a sink', async (test) => {
  const attention: Operation = {
    op: 'attention',
    query: 'nothing',
    key: 'nothing',
    value: 'x',
    state: 's',
    headSize: 1,
    scale: 1,
    window: 2,
    sinks: 'sink',
    output: 'y',
  };
  const runner = await Runner.of({
    ...mean,
    operations: [mean.operations[0] as Operation, attention],
    weights: { sink: { shape: [1], data: [0] } },
  });
  // Two visible positions and a sink of the same weight: a third of their sum.
  test.same(runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(3, 6, 9) }]), rowsOf(1.5, 3, 5));
});

const recurrent: SmallProgram = {
  inputWidth: 1,
  outputWidth: 2,
  operations: [{ op: 'recent-rows', input: 'x', state: 's', count: 2, output: 'y' }],
  states: { s: { kind: 'recurrent', layer: 0, shape: [1, 1] } satisfies MemberState },
};

t.test('a recurrent state can be forked where it is, not taken back', async (test) => {
  const runner = await Runner.of(recurrent);
  test.same(runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(1, 2) }]), [
    [0, 1],
    [1, 2],
  ]);
  runner.executable.slotOperation({ kind: 'fork', from: 0, to: 1, length: 2 });
  test.same(runner.run([{ slot: 1, startPosition: 2, rows: rowsOf(3) }]), [[2, 3]]);
  test.same(runner.run([{ slot: 0, startPosition: 2, rows: rowsOf(4) }]), [[2, 4]], 'the original is untouched');
  test.throws(() => runner.executable.slotOperation({ kind: 'truncate', slot: 0, length: 1 }), {
    code: 'BACKEND_FAILED',
    message: /recurrent state 's' at position 3 cannot go back to 1/,
  });
});

t.test('wrong calls are refused with what is wrong', async (test) => {
  const runner = await Runner.of(mean, 2, 4);
  const code = 'BACKEND_FAILED';
  test.throws(() => runner.run([{ slot: 5, startPosition: 0, rows: rowsOf(1) }]), { code, message: /no slot 5 of 2/ });
  test.throws(() => runner.run([{ slot: 0, startPosition: 3, rows: rowsOf(1) }]), {
    code,
    message: /holds 0 positions, the step starts at 3/,
  });
  test.throws(() => runner.run([{ slot: 0, startPosition: 0, rows: rowsOf(1, 2, 3, 4, 5) }]), {
    code,
    message: /5 positions of at most 4/,
  });
  test.throws(() => runner.executable.execute(0, new Map()), { code, message: /cannot run segment 0 now/ });
  test.throws(() => runner.executable.endStep(), { code, message: /no step is running/ });
  runner.executable.beginStep({
    sequences: [{ slot: 0, startPosition: 0, tokenCount: 1, outputRows: 0 }],
    tokens: new Uint32Array(1),
  });
  test.throws(() => runner.executable.execute(0, new Map([['x', new Float32Array(1)]])), {
    code,
    message: /boundary value 'y' needs 1 elements, 0 are there/,
  });
});
