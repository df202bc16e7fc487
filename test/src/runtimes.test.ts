import { fileURLToPath } from 'node:url';
import t from 'tap';
import { runScript, runtimes } from './support/runtimes.js';

const script = fileURLToPath(new URL('support/runtime-script.js', import.meta.url));

for (const { name, command, missing } of runtimes()) {
  t.test(name, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const { code, signal, output, errors } = await runScript(command ?? '', script, [], 120_000);
    t.equal(signal, null, 'ends by itself');
    t.equal(code, 0, errors);
    t.same(JSON.parse(output), {
      script: { tokens: [4, 5, 6, 7], reason: 'length' },
      ggml: { count: 4, reason: 'length' },
      codes: ['ARGUMENT_INVALID', 'TRANSPORT_UNREACHABLE'],
    });
  });
}
