// Every mistake in a plugins.json, or in what it lists, is told with file, line and path, and as the right code.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import {
  describeWorkerPlugins,
  loadManifestPlugins,
  loadPlugins,
  parsePluginManifest,
  readPluginManifest,
  type ShoalError,
  WorkerPluginSet,
} from '@shoal/core';
import t from 'tap';

const halves = (kind: string, name: string, worker: string) =>
  `export default { kind: '${kind}', name: '${name}', specVersion: 1, workerModule: '${worker}', create: () => ({}) };`;

/** Modules as a stranger would write them. */
const modules: Readonly<Record<string, string>> = {
  'package.json': '{ "type": "module" }',
  'good.js': `export default { kind: 'backend', name: 'good', specVersion: 1, create: () => ({}) };`,
  'same.js': `export default { kind: 'backend', name: 'good', specVersion: 1, create: () => ({}) };`,
  'future.js': `export default { kind: 'transport', name: 'future', specVersion: 7, create: () => ({}) };`,
  'unversioned.js': `export default { kind: 'transport', name: 'bare', create: () => ({}) };`,
  'throws.js': `throw new Error('out of seed');`,
  'throws-later.js': `await Promise.reject(new Error('out of seed, later'));`,
  'throws-string.js': `throw 'only a string';`,
  'syntax.js': `export default {`,
  'imports-nothing.js': `import '@shoal/no-such-package'; export default {};`,
  'no-default.js': `export const backend = 1;`,
  'number.js': `export default 42;`,
  'null.js': `export default null;`,
  'function.js': `export default () => ({});`,
  'nameless.js': `export default { kind: 'backend', specVersion: 1, create: () => ({}) };`,
  'createless.js': `export default { kind: 'backend', name: 'x', specVersion: 1 };`,
  'rejects.js': `export default { kind: 'backend', name: 'x', specVersion: 1, create: async () => { throw new TypeError('no wings'); } };`,
  'bad-schema.js': `export default { kind: 'backend', name: 'x', specVersion: 1, optionsSchema: { type: 'objekt' }, create: () => ({}) };`,
  'typing-error.js': `export default { kind: 'backend', name: 'x', specVersion: 1, optionsSchema: { type: 'object', propertys: {} }, create: () => ({}) };`,
  'deep.js': `export default { kind: 'backend', name: 'x', specVersion: 1, create: () => ({}), optionsSchema: { type: 'object',
    properties: { wings: { type: 'array', items: { type: 'object', properties: { 'a/b': { type: 'integer' } } } } } } };`,
  'worker-gone.js': halves('engine', 'x', './gone.js'),
  'worker-throws.js': halves('engine', 'throws', './throws.js'),
  'worker-number.js': halves('engine', 'number', './number.js'),
  'worker-other.js': halves('engine', 'other', './other-half.js'),
  'other-half.js': `export default { kind: 'backend', name: 'other', specVersion: 1, create: () => ({}) };`,
  'worker-old.js': halves('engine', 'old', './old-half.js'),
  'old-half.js': `export default { kind: 'engine', name: 'old', specVersion: 9, create: () => ({}) };`,
  'worker-rejects.js': halves('engine', 'rejects', './rejecting-half.js'),
  'rejecting-half.js': `export default { kind: 'engine', name: 'rejects', specVersion: 1, create: async () => { throw new Error('no nest'); } };`,
};

t.test('what an entry lists cannot be loaded', async (t) => {
  const folder = t.testdir(modules);
  const file = join(folder, 'plugins.json');
  const cases: readonly (readonly [entry: object, code: string, message: RegExp])[] = [
    [{ module: './future.js' }, 'PLUGIN_VERSION_MISMATCH', /"future" is written for version 7 .* this is version 1/],
    [{ module: './unversioned.js' }, 'PLUGIN_VERSION_MISMATCH', /"bare" is written for version undefined/],
    [{ module: './throws.js' }, 'PLUGIN_LOAD_FAILED', /loading throws: out of seed/],
    [{ module: './throws-later.js' }, 'PLUGIN_LOAD_FAILED', /loading throws: out of seed, later/],
    [{ module: './throws-string.js' }, 'PLUGIN_LOAD_FAILED', /loading throws: only a string/],
    [{ module: './syntax.js' }, 'PLUGIN_LOAD_FAILED', /loading throws: /],
    [{ module: './imports-nothing.js' }, 'PLUGIN_LOAD_FAILED', /loading throws: .*no-such-package/],
    [{ module: './no-default.js' }, 'PLUGIN_LOAD_FAILED', /export "default": is missing/],
    [{ module: './no-default.js', export: 'backend' }, 'PLUGIN_LOAD_FAILED', /export "backend": is number/],
    [{ module: './number.js' }, 'PLUGIN_LOAD_FAILED', /is number, not a plugin module/],
    [{ module: './null.js' }, 'PLUGIN_LOAD_FAILED', /not a plugin module/],
    [{ module: './function.js' }, 'PLUGIN_LOAD_FAILED', /is function, not a plugin module/],
    [{ module: './nameless.js' }, 'PLUGIN_LOAD_FAILED', /needs kind, name and create/],
    [{ module: './createless.js' }, 'PLUGIN_LOAD_FAILED', /needs kind, name and create/],
    [{ module: './rejects.js' }, 'PLUGIN_LOAD_FAILED', /create\(\) throws: no wings/],
    [{ module: './bad-schema.js' }, 'PLUGIN_LOAD_FAILED', /its optionsSchema is not valid/],
    [{ module: './typing-error.js' }, 'PLUGIN_LOAD_FAILED', /its optionsSchema is not valid: .*propertys/],
    [
      { module: './deep.js', options: { wings: [{}, { 'a/b': 'x' }] } },
      'PLUGIN_OPTIONS_INVALID',
      /options\/wings\/1\/a~1b: must be integer/,
    ],
    [{ module: './good.js', options: { x: 1 } }, 'PLUGIN_OPTIONS_INVALID', /options\/x: the plugin takes no options/],
    [{ module: './worker-gone.js' }, 'PLUGIN_NOT_FOUND', /its worker half cannot be found: .*gone\.js does not exist/],
    [{ module: './absent.js' }, 'PLUGIN_NOT_FOUND', /absent\.js does not exist/],
    [{ module: '@shoal/no-such-plugin' }, 'PLUGIN_NOT_FOUND', /not installed/],
    [
      { module: './same.js' },
      'PLUGIN_MANIFEST_INVALID',
      /Two backend plugins are called "good": .*plugins\.json:2 .* and .*plugins\.json:3 /,
    ],
  ];
  for (const [entry, code, message] of cases) {
    const text = `{ "plugins": [\n{ "module": "./good.js" },\n${JSON.stringify(entry)} ] }`;
    const error = await loadManifestPlugins(parsePluginManifest(text, file)).then(
      () => undefined,
      (thrown: ShoalError) => thrown,
    );
    t.match(error, { code, message }, JSON.stringify(entry));
    t.ok(error?.message.includes(`${file}:3 /plugins/1 (`), `it says where: ${error?.message}`);
  }
  const disabled = cases.map(([entry]) => ({ ...entry, enabled: false }));
  const plugins = await loadManifestPlugins(parsePluginManifest(JSON.stringify({ plugins: disabled }), file));
  t.same(plugins.all, [], 'what is not enabled is not even looked at');
});

t.test('a worker half that is not what it should be is told by whose it is', async (t) => {
  const folder = t.testdir(modules);
  const cases = [
    ['throws', 'PLUGIN_LOAD_FAILED', /worker half of engine plugin "throws" .* throws: out of seed/],
    ['number', 'PLUGIN_LOAD_FAILED', /worker half of engine plugin "number" .*: is number, not a plugin module/],
    ['other', 'PLUGIN_LOAD_FAILED', /worker half of engine plugin "other" .* says that it is backend "other"/],
    ['old', 'PLUGIN_VERSION_MISMATCH', /worker half of engine plugin "old" .* version 9 .* this is version 1/],
    ['rejects', 'PLUGIN_LOAD_FAILED', /worker half of engine plugin "rejects" .* throws: no nest/],
  ] as const;
  for (const [name, code, message] of cases) {
    const plugins = await loadPlugins([{ module: `./worker-${name}.js` }], { resolveFrom: [join(folder, 'x')] });
    const workers = new WorkerPluginSet(describeWorkerPlugins(plugins));
    await t.rejects(workers.get('engine', name), { code, message }, name);
  }
  const throwing = await loadPlugins(
    [
      {
        kind: 'engine',
        name: 'inline',
        specVersion: 1,
        isolation: 'none',
        create: () => ({ unavailableReason: async () => undefined }),
        createWorker: () => {
          throw new Error('no perch');
        },
      },
    ],
    { resolveFrom: [] },
  );
  await t.rejects(new WorkerPluginSet([], throwing.all).get('engine', 'inline'), {
    code: 'PLUGIN_LOAD_FAILED',
    message: /worker half of inline engine plugin "inline" throws: no perch/,
  });
});

const valid = '{ "plugins": [\n  { "module": "a", "options": { "x": [1, "two", null] } },\n  { "module": "b" }\n] }';

t.test('a broken plugins.json is told with its place', async (t) => {
  const place = /^\/home\/p\.json:\d+:\d+: /;
  for (let length = 0; length < valid.length; length += 1) {
    const prefix = valid.slice(0, length);
    t.throws(
      () => parsePluginManifest(prefix, '/home/p.json'),
      { code: 'PLUGIN_MANIFEST_INVALID', message: place },
      prefix,
    );
  }
  const cases: readonly (readonly [string, RegExp])[] = [
    ['{ "plugins": [] } // all of them', /:1:19: unexpected text after the end/],
    ['{\n  // none\n  "plugins": [] }', /:2:3: a key in double quotes was expected/],
    ['{ "plugins": [], }', /:1:18: a key in double quotes was expected/],
    ["{ 'plugins': [] }", /:1:3: a key in double quotes/],
    ['{ "plugins": [], "plugins": [] }', /:1:18: the key "plugins" is given twice/],
    ['{ "plugins": [ { "module": "a",\n "module": "b" } ] }', /:2:2: the key "module" is given twice/],
    [
      `{ "plugins": [ { "module": "a", "options": ${'{"a":'.repeat(200)}1${'}'.repeat(200)} } ] }`,
      /nested deeper than 100/,
    ],
    [`${'['.repeat(100_000)}`, /nested deeper than 100/],
    ['{ "plugins": [ { "module": "a", "options": { "__proto__": 1 } } ', /"," or "\]" was expected/],
    ['{ "plugins": [ { "module": 7 } ] }', /\/plugins\/0\/module: must be string/],
    ['{ "plugins": [ null ] }', /\/plugins\/0: must be object/],
    ['{ "plugins": [ { "module": "a", "options": [] } ] }', /\/plugins\/0\/options: must be object/],
    ['{ "plugins": [ { "module": "a", "enabled": "no" } ] }', /\/plugins\/0\/enabled: must be boolean/],
    ['NaN', /:1:1: unexpected "N"/],
    ['{ "plugins": [ { "module": "\u0000" } ] }', /illegal character/],
  ];
  for (const [text, message] of cases) {
    const error = { code: 'PLUGIN_MANIFEST_INVALID', message };
    t.throws(() => parsePluginManifest(text, '/home/p.json'), error, text.slice(0, 60));
  }
  // Were it parsed first, its end would be missed.
  const megabytes = `{ "plugins": [], "$schema": "${'x'.repeat(10_000_000)}`;
  t.throws(() => parsePluginManifest(megabytes, '/home/p.json'), {
    code: 'PLUGIN_MANIFEST_INVALID',
    message: '/home/p.json: larger than 1000000 bytes.',
  });
});

t.test('what editors on Windows write is read', async (t) => {
  const folder = t.testdir();
  const file = join(folder, 'plugins.json');
  writeFileSync(file, `\uFEFF${valid.replaceAll('\n', '\r\n')}`);
  const { plugins } = await readPluginManifest(file);
  t.same(
    plugins.map(({ label }) => label),
    [`${file}:2 /plugins/0 (a)`, `${file}:3 /plugins/1 (b)`],
  );
  await t.rejects(readPluginManifest(folder), { code: 'PLUGIN_MANIFEST_INVALID' }, 'a folder is no file');
});
