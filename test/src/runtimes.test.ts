import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import t from 'tap';
import { commandScript } from './support/repository.js';
import { runScript, runtimes } from './support/runtimes.js';

const script = fileURLToPath(new URL('support/runtime-script.js', import.meta.url));
const memoryScript = fileURLToPath(new URL('support/memory-cluster-script.js', import.meta.url));

for (const { name, command, missing } of runtimes()) {
  t.test(name, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const { code, signal, output, errors } = await runScript(command ?? '', script, [], 120_000);
    t.equal(signal, null, 'ends by itself');
    t.equal(code, 0, `${errors}${output}`);
    t.same(JSON.parse(output), {
      script: { tokens: [4, 5, 6, 7], reason: 'length' },
      ggml: { count: 4, reason: 'length' },
      codes: ['ARGUMENT_INVALID', 'TRANSPORT_UNREACHABLE'],
    });
  });
}

const question = 'What is 12 plus 30?';
const answer = '12 + 30 = 42.';

for (const { name, command, missing } of runtimes()) {
  t.test(`two nodes under ${name}`, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const words = ['run', 'shoal-tiny-chat', question, '--local-nodes', '2', '--plan', 'pp=2', '--json'];
    const { code, output, errors } = await runScript(command ?? '', commandScript, words, 120_000);
    t.equal(code, 0, `${errors}${output}`);
    const { text, plan } = JSON.parse(output) as { text: string; plan: { stages: unknown[] } };
    t.equal(text, answer);
    t.equal(plan.stages.length, 2);
  });
}

/** For what does not depend on each version: the newest Node, and Bun. */
const newest = runtimes().slice(-2);

for (const { name, command, missing } of [...runtimes().slice(0, 1), ...newest]) {
  t.test(`two nodes of one program under ${name}`, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const { code, signal, output, errors } = await runScript(command ?? '', memoryScript, [], 120_000);
    t.equal(signal, null, 'ends by itself');
    t.equal(code, 0, `${errors}${output}`);
    const expected = { nodes: ['asking', 'other'], text: answer };
    t.same(JSON.parse(output), { 'pp=2': expected, 'tp=2': expected });
  });
}

for (const { name, command, missing } of newest) {
  t.test(`Unix sockets alone under ${name}`, { skip: command ? false : `${name} is ${missing}` }, async (t) => {
    const modules = ['transport-unix', 'engine-native', 'backend-cpu', 'sharding-llama'];
    const manifest = join(t.testdir(), 'plugins.json');
    writeFileSync(manifest, JSON.stringify({ plugins: modules.map((module) => ({ module: `@shoal/${module}` })) }));
    const where = ['--local-nodes', '2', '--plan', 'tp=2', '--plugins', manifest];
    const words = ['run', 'shoal-tiny-chat', question, ...where, '--json'];
    const { code, output, errors } = await runScript(command ?? '', commandScript, words, 120_000);
    t.equal(code, 0, `${errors}${output}`);
    t.equal((JSON.parse(output) as { text: string }).text, answer);
  });
}

t.test('an engine of other sources ends the request with a reason', async (t) => {
  const { code, signal, output, errors } = await runScript(process.execPath, memoryScript, ['older-engine'], 120_000);
  t.equal(signal, null, 'ends by itself: before, the event without a choice was passed over, and the request waited');
  t.equal(code, 0, `${errors}${output}`);
  const message = /the engine "older" sent a `token` event without `choice`/;
  const expected = { code: 'PLUGIN_VERSION_MISMATCH', message };
  t.match(JSON.parse(output), { 'pp=2': expected, 'tp=2': expected });
});
