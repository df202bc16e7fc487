import { referenceBackendWorker } from '@shoal/backend-reference';
import type { ScriptDevice } from '@shoal/core';
import { ScriptRunner, type SmallProgram } from '@shoal/core/conformance';
import t from 'tap';

const open = async (): Promise<ScriptDevice> => (await referenceBackendWorker().open('reference', {})) as ScriptDevice;

const recurrent: SmallProgram = {
  inputWidth: 1,
  outputWidth: 2,
  operations: [{ op: 'recent-rows', input: 'x', state: 's', count: 2, output: 'y' }],
  states: { s: { kind: 'recurrent', layer: 0, shape: [1, 1] } },
};

t.test('a recurrent state can be forked where it is, not taken back', async (test) => {
  const runner = await ScriptRunner.compile(await open(), recurrent);
  test.same(runner.run([{ slot: 0, startPosition: 0, rows: [[1], [2]] }]), [
    [0, 1],
    [1, 2],
  ]);
  runner.executable.slotOperation({ kind: 'fork', from: 0, to: 1, length: 2 });
  test.same(runner.run([{ slot: 1, startPosition: 2, rows: [[3]] }]), [[2, 3]]);
  test.same(runner.run([{ slot: 0, startPosition: 2, rows: [[4]] }]), [[2, 4]], 'the original is untouched');
  test.throws(() => runner.executable.slotOperation({ kind: 'truncate', slot: 0, length: 1 }), {
    code: 'BACKEND_FAILED',
    message: /recurrent state 's' at position 3 cannot go back to 1/,
  });
});

t.test('wrong calls are refused with what is wrong', async (test) => {
  const runner = await ScriptRunner.compile(await open(), recurrent, { slotCount: 2, contextLength: 4 });
  const code = 'BACKEND_FAILED';
  const run = (slot: number, startPosition: number, count: number) => () =>
    runner.run([{ slot, startPosition, rows: Array.from({ length: count }, () => [1]) }]);
  test.throws(run(5, 0, 1), { code, message: /no slot 5 of 2/ });
  test.throws(run(0, 3, 1), { code, message: /holds 0 positions, the step starts at 3/ });
  test.throws(run(0, 0, 5), { code, message: /5 positions of at most 4/ });
  test.throws(() => runner.executable.execute(0, new Map()), { code, message: /cannot run segment 0 now/ });
  test.throws(() => runner.executable.endStep(), { code, message: /no step is running/ });
  const sequence = { slot: 0, startPosition: 0, tokenCount: 1, outputRows: 0 };
  runner.executable.beginStep({ sequences: [sequence], tokens: new Uint32Array(1) });
  test.throws(() => runner.executable.execute(0, new Map([['x', new Float32Array(1)]])), {
    code,
    message: /boundary value 'y' needs 2 elements, 0 are there/,
  });
});
