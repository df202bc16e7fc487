// What commands print with --json is what sdk/command-output.schema.json says: every line of every command, as a process.
import { spawn, spawnSync } from 'node:child_process';
import { once } from 'node:events';
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { createInterface } from 'node:readline';
import { compileSchema, type Validator } from '@shoal/core/internal/runtime/schema-validation.js';
import { attach } from 'shoal';
import { loadCommands } from 'shoal/internal/command/registry.js';
import t from 'tap';
import { shoal } from '../support/command.js';
import { commandScript, repositoryRoot } from '../support/repository.js';

const commands = await loadCommands();
const model = 'shoal-tiny-chat';
const root = mkdtempSync(path.join(tmpdir(), 'shoal-json-'));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const home = path.join(root, 'home');
mkdirSync(home, { mode: 0o700 });

/** What stands in the lines of `top`. */
const screensFile = path.join(repositoryRoot, 'tui', 'screens.schema.json');
const schemaFile = path.join(repositoryRoot, 'sdk', 'command-output.schema.json');
const { definitions } = JSON.parse(readFileSync(schemaFile, 'utf8')) as {
  definitions: Readonly<Record<string, object>>;
};

/** The same schema without room for fields that it does not name: readers may be lenient, the command may not. */
function closed(value: unknown): unknown {
  if (Array.isArray(value)) return value.map(closed);
  if (typeof value !== 'object' || value === null) return value;
  const copy = Object.fromEntries(Object.entries(value).map(([name, inner]) => [name, closed(inner)]));
  return 'required' in value && 'properties' in value ? { ...copy, additionalProperties: false } : copy;
}

const parts = closed(definitions) as object;
const validators = new Map<string, Validator>();

function validatorOf(name: string): Validator {
  const found = validators.get(name);
  if (found) return found;
  const made = compileSchema({ $ref: `#/definitions/${name}`, definitions: parts });
  validators.set(name, made);
  return made;
}

const printed = new Set<string>();
type Checks = Pick<typeof t, 'ok' | 'same' | 'equal'>;

/** Checks that every line is a document of the definition; returns them. */
function check(t: Checks, name: string, output: string): unknown[] {
  const lines = output.split('\n');
  t.equal(lines.pop(), '', 'the last line is complete');
  return lines.map((line) => {
    const document = JSON.parse(line) as unknown;
    t.same(validatorOf(name).validate(document), [], `${name}: ${line.slice(0, 120)}`);
    printed.add(name);
    return document;
  });
}

/** Runs a command and checks all that it prints. */
async function documents(t: Checks, words: readonly string[], name = words[0] ?? '', input?: string) {
  const { code, output, errors } = await shoal([...words, '--json'], { SHOAL_HOME: home, SHOAL_LOG: '' }, input);
  t.equal(errors, '', 'nothing but the documents is printed');
  t.equal(code, name === 'error' ? 2 : 0, `${words.join(' ')}: ${output}`);
  return check(t, name, output);
}

t.test('the schema is closed where it is checked', async (t) => {
  t.same(validatorOf('quantize').validate({ directory: '/d', weightBytes: 1, seconds: 1 }), []);
  t.match(validatorOf('quantize').validate({ directory: '/d', weightBytes: 1, seconds: 1, more: 1 }), [
    { message: 'unknown key "more"' },
  ]);
  t.match(validatorOf('quantize').validate({ directory: '/d', weightBytes: -1 }).length, 2);
});

t.test('commands that need no node', async (t) => {
  const broken = path.join(home, 'models', 'broken');
  mkdirSync(broken, { recursive: true });
  writeFileSync(path.join(broken, 'config.json'), '{');
  t.match(await documents(t, ['models']), [
    [{ name: 'broken', problem: { code: 'MODEL_CONFIG_INVALID' } }, { name: model }],
  ]);
  rmSync(broken, { recursive: true });
  await documents(t, ['doctor']);
  await documents(t, ['errors']);
  await documents(t, ['errors', 'TIMEOUT']);
  await documents(t, ['completion', 'bash']);
  t.match(await documents(t, ['help']), [commands.map(({ name }) => ({ name }))]);
  for (const words of [
    ['help', 'run'],
    ['run', '--help'],
  ])
    t.match(await documents(t, words, 'help'), [[{ name: 'run' }]]);
  await documents(t, ['--version'], 'version');
  await documents(t, ['quantize', model, path.join(root, 'quantized')]);
  t.match(await documents(t, ['explain', model, '--plan', 'pp=3']), [{ refusal: { code: 'PLAN_SHAPE_IMPOSSIBLE' } }]);
});

t.test('commands over two nodes', async (t) => {
  t.match(await documents(t, ['explain', model, '--local-nodes', '2', '--plan', 'tp=2', '--program']), [
    { plan: { stages: [{ members: [{}, {}] }] }, members: [{}, {}], program: String },
  ]);
  t.equal((await documents(t, ['demo', '--plan', 'tp=2'])).length, 7, 'the plan and six answers');
});

t.test('commands in a running node, and what it says meanwhile', async (t) => {
  const words = [commandScript, 'node', '--json', '--exit-with-stdin', '--home', home, '--name', 'anchor'];
  const child = spawn(process.execPath, words, { stdio: ['pipe', 'pipe', 'inherit'] });
  let said = '';
  child.stdout.setEncoding('utf8').on('data', (chunk: string) => {
    said += chunk;
  });
  await once(createInterface({ input: child.stdout }), 'line');
  const [answer] = await documents(t, ['run', model, 'What is 12 plus 30?', '--logprobs', '2', '--stop', '2']);
  t.match(answer, { text: '1', finishReason: 'stop', stoppedBy: '2', logProbabilities: [{ alternatives: [{}, {}] }] });
  const answers = await documents(t, ['chat', model], 'chat', 'Spell cat.\n/new\nWhat day comes after Monday?\n');
  t.match(answers, [{ question: 'Spell cat.' }, { question: 'What day comes after Monday?' }]);
  await documents(t, ['bench', model, '--prompt', '8', '--generate', '2', '--repeats', '1', '--warm-up', '0']);
  t.match(await documents(t, ['nodes']), [[{ nodeName: 'anchor', state: 'self' }]]);
  const screens = await documents(t, ['top', '--count', '1']);
  t.match(
    screens,
    ['topology', 'requests', 'node', 'chat', 'models', 'events', 'plan'].map((screen) => ({ screen })),
  );
  const figures = compileSchema(JSON.parse(readFileSync(screensFile, 'utf8')) as object);
  for (const line of screens) t.same(figures.validate(line), [], 'and the figures of each are those of its schema');
  t.match(await documents(t, ['machines']), [
    [{ nodeName: 'anchor', machine: { memory: { processAvailableBytes: { value: Number } } }, devices: Array }],
  ]);
  t.match(await documents(t, ['devices']), [[{ backend: 'cpu', deviceId: 'cpu', rates: Array }]]);
  t.match(await documents(t, ['topology', '--measure']), [{ nodes: [{ nodeName: 'anchor' }], links: [] }]);
  t.match(await documents(t, ['doctor', '--cluster', '--expect', '1', '--model', model], 'doctor'), [
    [{ area: 'cluster', name: 'nodes', status: 'ok' }],
  ]);
  const program = await attach({ home });
  const { nodeId } = program;
  const { instance } = await program.load(model);
  t.match(await documents(t, ['ps']), [[{ instance, state: 'ready', model }]]);
  const [moved] = await documents(t, ['move', model, '--context', '512', '--reason', 'a smaller context']);
  t.match(moved, { model, instance: /^[0-9a-f]{16}$/, replaces: instance, nodes: ['anchor'], endedRequests: 0 });
  const { instance: successor } = moved as { readonly instance: string };
  t.match(await documents(t, ['ps']), [[{ instance: successor, plan: { contextLength: 512 }, replaces: [instance] }]]);
  t.same(await documents(t, ['unload', instance]), [{ instance }]);
  t.same(await documents(t, ['ps']), [[]], 'nothing is left');
  await program.close();
  const records = await documents(t, ['logs', '--level', 'debug']);
  t.ok(records.length > 5, `${records.length} records`);
  t.same(await documents(t, ['cordon', '--reason', 'a new fan']), [{ kind: 'cordon', target: nodeId }]);
  t.match(await documents(t, ['nodes']), [[{ nodeName: 'anchor', isLeader: true, cordoned: 'a new fan' }]]);
  for (const verb of ['uncordon', 'drain', 'uncordon', 'pause', 'resume']) {
    t.same(await documents(t, [verb, 'anchor']), [{ kind: verb, target: 'anchor' }]);
  }
  const [kept] = await documents(t, ['keep', model, '--slots', '1']);
  const { wish } = kept as { readonly wish: string };
  t.match(kept, { model, wish: /^[0-9a-f]{16}$/ });
  t.same(await documents(t, ['drop', wish]), [{ wish }]);
  t.same(await documents(t, ['rename', 'anchor', 'den']), [{ kind: 'rename', target: 'anchor' }]);
  const ended = once(child, 'close');
  t.same(await documents(t, ['leave', 'den']), [{ kind: 'leave', target: 'den' }]);
  t.same(await ended, [0, null], 'its process ends by itself');
  const kinds = check(t, 'node', said).map((event) => (event as { readonly kind: string }).kind);
  t.equal(kinds[0], 'node-started');
  for (const kind of ['instance-loaded', 'instance-moved', 'instance-unloaded', 'state-changed', 'node-leaving'])
    t.ok(kinds.includes(kind), kind);
});

t.test('a command that fails says so in an error document', async (t) => {
  // All commands fail in the same place (run-command-line.ts): two stand for them.
  for (const name of ['run', 'node']) {
    const [document] = await documents(t, [name, '--no-such-option'], 'error');
    t.match(document, { error: { code: 'ARGUMENT_INVALID', details: { command: name } } });
  }
});

t.test('nothing is left out', async (t) => {
  const names = Object.keys(definitions).filter((name) => /^[a-z]/.test(name));
  t.same([...names].sort(), ['error', 'version', ...commands.map(({ name }) => name)].sort(), 'all are documented');
  t.same([...printed].sort(), [...names].sort(), 'and were run here');
  const script = path.join(repositoryRoot, 'scripts', 'generate-command-output.mjs');
  const { status, stderr } = spawnSync(process.execPath, [script, '--check'], { encoding: 'utf8' });
  t.equal(status, 0, `docs/command.md is current: ${stderr}`);
});
