// Requests by the thousand against a running node, made from its own description: valid ones, and ones that break the schemas.
// None may end in a failure of this side, and every answer is as described.
// SHOAL_API_FUZZ_SEED: other requests. SHOAL_API_FUZZ_EXAMPLES: how many for each path; then every edge of every schema is tried besides, which takes minutes.
// SHOAL_API_FUZZ_PATHS: only paths that this expression finds, to try all in several runs.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import t from 'tap';
import { answer, apiNode, modelName, question } from '../support/api-cluster.js';
import { clientPython } from '../support/clients.js';

const seed = process.env.SHOAL_API_FUZZ_SEED ?? '7';
const isLong = process.env.SHOAL_API_FUZZ_EXAMPLES !== undefined;
const examples = process.env.SHOAL_API_FUZZ_EXAMPLES ?? '4';
const paths = new RegExp(process.env.SHOAL_API_FUZZ_PATHS ?? '');
const program = fuzzer();

function fuzzer(): string | undefined {
  const file = join(dirname(clientPython() ?? ''), process.platform === 'win32' ? 'schemathesis.exe' : 'schemathesis');
  return existsSync(file) ? file : undefined;
}

interface Schema {
  properties?: Record<string, Schema>;
  [keyword: string]: unknown;
}

interface Description {
  paths: Record<string, Record<string, { requestBody?: { content: { 'application/json': { schema: Schema } } } }>>;
}

/** Asks for the model that is there, or an unknown name would be all that is ever tested; and for little, for there are many. */
function narrow(description: Description): Description {
  // One that never ends; and one that would unload the model, for identifiers are learnt from answers.
  delete description.paths['/cluster/events'];
  delete description.paths['/cluster/instances/{instance}'];
  for (const [path, { post }] of Object.entries(description.paths)) {
    if (!paths.test(path)) delete description.paths[path];
    const fields = post?.requestBody?.content['application/json'].schema.properties;
    if (fields === undefined || path.startsWith('/cluster/')) continue;
    if (fields.model) fields.model = { const: modelName };
    if (fields.n) fields.n = { anyOf: [{ type: 'integer', minimum: 1, maximum: 2 }, { type: 'null' }] };
  }
  return description;
}

t.test('requests made from the description', { skip: program ? false : 'schemathesis is not installed' }, async (t) => {
  const node = await apiNode();
  t.teardown(() => node.close());
  // Answers end where the context does.
  await node.cluster.load(modelName, { contextLength: 48 });
  const description = (await (await fetch(`${node.url}/openapi.json`)).json()) as Description;
  const file = join(t.testdir({}), 'openapi.json');
  writeFileSync(file, JSON.stringify(narrow(description)));
  const checks = [
    'not_a_server_error',
    'status_code_conformance',
    'content_type_conformance',
    'response_schema_conformance',
    'negative_data_rejection',
  ];
  const words = [
    'run',
    file,
    '--url',
    node.url,
    '--checks',
    checks.join(','),
    '--phases',
    isLong ? 'coverage,fuzzing' : 'fuzzing',
  ];
  // One worker: with several the order would be of luck, and Python 3.11 parses no two things at once ("AST constructor recursion depth").
  words.push('--max-examples', examples, '--seed', seed, '--workers', '1', '--request-timeout', '60');
  words.push('--suppress-health-check', 'all');
  const child = spawn(program ?? '', ['--no-color', ...words], { cwd: t.testdirName });
  let said = '';
  child.stdout.on('data', (chunk) => {
    said += String(chunk);
  });
  child.stderr.on('data', (chunk) => {
    said += String(chunk);
  });
  const [code] = (await once(child, 'close')) as [number];
  // What it made up may end lines where no reader of test results expects it.
  if (code !== 0)
    console.error(said.slice(-12000).replace(/[^\n -~]/g, (letter) => `<${letter.charCodeAt(0).toString(16)}>`));
  t.equal(code, 0, 'nothing was found');
  const headers = { 'content-type': 'application/json' };
  const body = JSON.stringify({ model: modelName, messages: question });
  const response = await fetch(`${node.url}/v1/chat/completions`, { method: 'POST', headers, body });
  t.match(await response.json(), { choices: [{ message: { content: answer } }] }, 'the node is well afterwards');
});
