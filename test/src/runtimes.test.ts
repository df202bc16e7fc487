import { fileURLToPath } from 'node:url';
import t from 'tap';
import { commandScript } from './support/repository.js';
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

const question = 'What is 12 plus 30?';

for (const { name, command, missing } of runtimes()) {
  t.test(`two nodes under ${name}`, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const words = ['run', 'shoal-tiny-chat', question, '--local-nodes', '2', '--plan', 'pp=2', '--json'];
    const { code, output, errors } = await runScript(command ?? '', commandScript, words, 120_000);
    t.equal(code, 0, errors);
    const { text, plan } = JSON.parse(output) as { text: string; plan: { stages: unknown[] } };
    t.equal(text, '12 + 30 = 42.');
    t.equal(plan.stages.length, 2);
  });
}
