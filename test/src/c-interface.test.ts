// The C interface: the header for both languages, a program that uses it rightly and wrongly, the examples.
import { spawnSync } from 'node:child_process';
import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { cutsFor, describeModel, type ModelDescription, memberLowering } from '@shoal/core';
import { libraryPath } from '@shoal/engine-node/library';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { wholeModelOptions } from '../../examples/bun-ffi/member-options.js';
import { signatures } from '../../examples/bun-ffi/signatures.js';
import { fixtureCheckpoints, repositoryRoot } from './support/repository.js';
import { runScript, runtimes } from './support/runtimes.js';

const include = path.join(repositoryRoot, 'crates', 'engine-node', 'include');
const strict = ['-Wall', '-Wextra', '-Wpedantic', '-Werror', '-I', include];
const runs = (command: string) => spawnSync(command, ['--version']).status === 0;
const skip = runs('cc') && runs('c++') ? false : 'there is no compiler under the names cc and c++';

const folder = mkdtempSync(path.join(tmpdir(), 'shoal-c-'));
t.teardown(() => rmSync(folder, { recursive: true }));

function compile(source: string): string {
  const program = path.join(folder, path.basename(source, '.c'));
  const { status, stderr } = spawnSync('cc', ['-std=c11', ...strict, source, libraryPath(), '-o', program], {
    encoding: 'utf8',
  });
  if (status !== 0) throw new Error(stderr);
  return program;
}

function run(program: string, args: readonly string[]) {
  return spawnSync(program, args, { encoding: 'utf8', timeout: 120_000 });
}

const checkpoint = fixtureCheckpoints().find(({ name }) => name === 'llama-grouped-query');
if (!checkpoint) throw new Error('the fixture is missing');

t.test('the header is right C11 and C++17, and its layouts are those of the library', { skip }, async (t) => {
  for (const [compiler, standard, name] of [
    ['cc', 'c11', 'header.c'],
    ['c++', 'c++17', 'header.cpp'],
  ] as const) {
    const source = path.join(folder, name);
    writeFileSync(source, '#include <shoal.h>\n#include <shoal.h>\n');
    const { status, stderr } = spawnSync(compiler, [`-std=${standard}`, ...strict, '-fsyntax-only', source], {
      encoding: 'utf8',
    });
    t.equal(status, 0, `${standard} ${stderr}`);
  }
  const header = readFileSync(path.join(include, 'shoal.h'), 'utf8');
  t.ok((header.match(/SHOAL_ASSERT\(offsetof/g)?.length ?? 0) > 70, 'it asserts the offsets');
});

/** Options of one of two stages that hold half of the model's layers each. */
function stageOptions(model: ModelDescription, whole: string, stage: 0 | 1): string {
  const strategy = llamaStrategy();
  const constraints = strategy.constraints(model.config, 1);
  const middle = Math.floor(constraints.layerCount / 2);
  const shard = {
    layers: stage === 0 ? ([0, middle] as const) : ([middle, constraints.layerCount] as const),
    hasEmbedding: stage === 0,
    hasHead: stage === 1,
    memberCount: 1,
    cuts: cutsFor(constraints, [1]),
  };
  const { program } = memberLowering(strategy, model, 64)(shard, 0, { matrix: 'as-stored', embedding: 'as-stored' });
  return JSON.stringify({ ...JSON.parse(whole), self: { stage, member: 0 }, stageSizes: [1, 1], program });
}

t.test('a C program uses the interface rightly and wrongly', { skip }, async (t) => {
  const model = await describeModel(checkpoint.directory);
  const whole = await wholeModelOptions(checkpoint.directory, 64);
  const { credentials } = JSON.parse(whole) as { credentials: unknown };
  const listen = (stage: number) =>
    JSON.stringify({ credentials, self: { stage, member: 0 }, bindAddress: '127.0.0.1', kind: 'tcp' });
  const texts = [whole, stageOptions(model, whole, 0), stageOptions(model, whole, 1), listen(0), listen(1)];
  const files = texts.map((text, index) => {
    const file = path.join(folder, `${index}.json`);
    writeFileSync(file, text);
    return file;
  });
  const { status, signal, stdout, stderr } = run(compile(path.join(repositoryRoot, 'test', 'c', 'interface.c')), files);
  t.equal(signal, null);
  t.equal(status, 0, stderr);
  const [ofWhole, ofHalves, ...rest] = stdout.trim().split('\n');
  t.match(ofWhole, /^(\d+ ){5}\d+$/);
  t.equal(ofHalves, ofWhole, 'a split model gives the tokens of the whole one');
  t.same(rest, []);
});

t.test("examples/c: transformers' tokens from C alone", { skip }, async (t) => {
  const program = compile(path.join(repositoryRoot, 'examples', 'c', 'generate.c'));
  const options = path.join(folder, 'options.json');
  writeFileSync(options, await wholeModelOptions(checkpoint.directory, 96));
  for (const { ids, greedy } of checkpoint.prompts) {
    // Where two tokens are nearly as likely, sums in another order may choose the other one.
    const tie = greedy.margins.findIndex((margin) => margin < 0.02);
    const expected = greedy.tokens.slice(0, tie < 0 ? undefined : tie);
    if (expected.length === 0) continue;
    const { status, stdout, stderr } = run(program, [options, `${expected.length}`, ...ids.map(String)]);
    t.equal(status, 0, stderr);
    const events = stdout
      .trim()
      .split('\n')
      .map((line) => JSON.parse(line) as { kind: string; token: number });
    const tokens = events.filter(({ kind }) => kind === 'token').map(({ token }) => token);
    t.same(tokens, expected);
  }
});

t.test('examples/bun-ffi has the signatures of the header', async (t) => {
  const header = readFileSync(path.join(include, 'shoal.h'), 'utf8');
  const typeOf = (text: string) => {
    if (text.includes('*')) return 'ptr';
    const type = text.trim().split(/\s+/)[0] ?? '';
    const names: Record<string, string> = {
      ShoalStatus: 'i32',
      ShoalDevice: 'u64',
      ShoalMember: 'u64',
      ShoalMesh: 'u64',
      uint32_t: 'u32',
      uint64_t: 'u64',
      size_t: 'usize',
      void: 'void',
    };
    return names[type] ?? type;
  };
  for (const [name, signature] of Object.entries(signatures)) {
    const found = new RegExp(`^(\\w+) ${name}\\(([^)]*)\\);`, 'm').exec(header);
    const [, returns = '', args = ''] = found ?? [];
    const types = args === 'void' ? [] : args.split(',').map(typeOf);
    t.same({ args: types, returns: typeOf(returns) }, signature, name);
  }
});

const bun = runtimes().find(({ name }) => name === 'Bun');

t.test('examples/bun-ffi answers under Bun', { skip: bun?.command ? false : `Bun is ${bun?.missing}` }, async (t) => {
  const chat = path.join(repositoryRoot, 'build', 'examples', 'bun-ffi', 'chat.js');
  const model = path.join(repositoryRoot, 'models', 'shoal-tiny-chat');
  const ask = (...args: string[]) => runScript(bun?.command ?? '', chat, args, 120_000);
  const { code, output, errors } = await ask(model, 'What is 12 plus 30?');
  t.equal(code, 0, `${errors}${output}`);
  t.equal(output, '12 + 30 = 42.\n');
  t.match(errors, /^\d+ of \d+ bytes$/m);
  t.match(errors, /^[1-9]\d* steps$/m);
  const wrong = await ask(path.join(model, 'absent'), 'What?');
  t.equal(wrong.code, 1);
  t.match(wrong.errors, /MODEL_|tokenizer\.json/);
});
