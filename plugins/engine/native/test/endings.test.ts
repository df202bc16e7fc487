// A process may end in any way while native threads are at work: it ends at once, as asked, without a crash.
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runScript, runtimes } from '../../../../test/src/support/runtimes.js';

const script = fileURLToPath(new URL('support/ending-script.js', import.meta.url));

interface Ending {
  readonly name: string;
  readonly expected: { readonly code: number | null; readonly signal: string | null; readonly output: string };
  readonly errors?: RegExp;
}

const endings: readonly Ending[] = [
  { name: 'exit', expected: { code: 7, signal: null, output: '' } },
  { name: 'throw', expected: { code: 1, signal: null, output: '' }, errors: /thrown while hearing a token/ },
  { name: 'signal', expected: { code: null, signal: 'SIGTERM', output: '' } },
  { name: 'terminate', expected: { code: 0, signal: null, output: 'terminated' } },
  { name: 'close', expected: { code: 0, signal: null, output: 'closed' } },
];

for (const { name: runtime, command, missing } of runtimes()) {
  t.test(runtime, { skip: command ? false : `${runtime} is ${missing}` }, async (t) => {
    for (const { name, expected, errors } of endings) {
      for (const device of ['script', 'ggml']) {
        // What hangs is killed, and ends by another signal.
        const result = await runScript(command ?? '', script, [name, device], 60_000);
        t.match(result, expected, `${name} with a device of ${device}`);
        if (errors) t.match(result.errors, errors);
      }
    }
  });
}
