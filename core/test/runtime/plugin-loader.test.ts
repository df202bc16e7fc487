import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import {
  describeWorkerPlugins,
  type InlinePlugin,
  loadManifestPlugins,
  loadPlugins,
  type PluginSource,
  parsePluginManifest,
  requireCapabilities,
  WorkerPluginSet,
} from '@shoal/core';
import t from 'tap';

/** Modules as a stranger would write them: plain JavaScript beside a plugins.json. */
const modules = {
  'transport.js': `
    export default {
      kind: 'transport', name: 'pigeon', specVersion: 1, workerModule: './transport-worker.js',
      optionsSchema: { type: 'object', additionalProperties: false, required: ['loft'],
        properties: { loft: { type: 'string' }, birds: { type: 'integer', default: 3 } } },
      create: (options) => ({ name: 'pigeon', preference: 1, options, availability: async () => ({ available: true }) }),
    };`,
  'transport-worker.js': `
    export default { kind: 'transport', name: 'pigeon', specVersion: 1, create: (options) => ({ options }) };`,
  'old.js': `export default { kind: 'backend', name: 'old', specVersion: 0, create: () => ({}) };`,
  'throws.js': `throw new Error('out of seed');`,
  'fails.js': `export default { kind: 'engine', name: 'fails', specVersion: 1, create: () => { throw new Error('no wings'); } };`,
  'nothing.js': `export const answer = 42; export default {};`,
  'strange.js': `export default { kind: 'kite', name: 'x', specVersion: 1, create: () => ({}) };`,
  'family.js': `export const birds = { kind: 'sharding', name: 'birds', specVersion: 1, create: () => ({ architectures: [] }) };`,
  'lost-worker.js': `export default { kind: 'engine', name: 'lost', specVersion: 1, workerModule: './gone.js', create: () => ({}) };`,
  'package.json': '{ "type": "module", "version": "1.2.3" }',
};

const backend: InlinePlugin<'backend'> = {
  kind: 'backend',
  name: 'inline',
  specVersion: 1,
  isolation: 'none',
  create: () => ({
    capabilities: { operations: [], storageTypes: [], rowTile: {} },
    probe: async () => [],
  }),
  createWorker: () => ({
    open: async () => ({ kind: 'native', table: 1n, operations: [], close: async () => undefined }),
  }),
};

t.test('a plugin of a manifest gets validated options with defaults, and describes its worker half', async (t) => {
  const folder = t.testdir(modules);
  const text = JSON.stringify({ plugins: [{ module: './transport.js', options: { loft: 'roof' } }] });
  const plugins = await loadManifestPlugins(parsePluginManifest(text, join(folder, 'plugins.json')));
  const pigeon = plugins.get('transport', 'pigeon');
  t.match(pigeon, { version: '1.2.3', isolation: 'process', options: { loft: 'roof', birds: 3 } });
  t.match(pigeon.host, { options: { loft: 'roof', birds: 3 } });

  const described = JSON.parse(JSON.stringify(describeWorkerPlugins(plugins)));
  t.same(described, [
    {
      kind: 'transport',
      name: 'pigeon',
      version: '1.2.3',
      module: pathToFileURL(join(folder, 'transport-worker.js')).href,
      export: 'default',
      options: { loft: 'roof', birds: 3 },
    },
  ]);
  const workers = new WorkerPluginSet(described);
  t.match(await workers.get('transport', 'pigeon'), { options: { loft: 'roof', birds: 3 } });
  t.equal(await workers.get('transport', 'pigeon'), await workers.get('transport', 'pigeon'), 'made once');
  await t.rejects(workers.get('engine', 'native'), { code: 'PLUGIN_CAPABILITY_MISSING' });
});

t.test('what is wrong is told precisely', async (t) => {
  const folder = t.testdir(modules);
  const resolveFrom = [join(folder, 'plugins.json')];
  const cases: readonly (readonly [PluginSource, string, RegExp])[] = [
    [{ module: './transport.js' }, 'PLUGIN_OPTIONS_INVALID', /options: the key "loft" is missing/],
    [
      { module: './transport.js', options: { loft: 'a', birds: 'many' } },
      'PLUGIN_OPTIONS_INVALID',
      /options\/birds: must be integer/,
    ],
    [
      { module: './transport.js', options: { loft: 'a', brids: 1 } },
      'PLUGIN_OPTIONS_INVALID',
      /options\/brids: unknown key/,
    ],
    [{ module: './absent.js' }, 'PLUGIN_NOT_FOUND', /absent\.js does not exist/],
    [{ module: '@shoal/no-such-plugin' }, 'PLUGIN_NOT_FOUND', /not installed/],
    [
      { module: './old.js' },
      'PLUGIN_VERSION_MISMATCH',
      /"old" is written for version 0 of the backend contract; this is version 1/,
    ],
    [{ module: './throws.js' }, 'PLUGIN_LOAD_FAILED', /out of seed/],
    [{ module: './fails.js' }, 'PLUGIN_LOAD_FAILED', /create\(\) throws: no wings/],
    [{ module: './nothing.js' }, 'PLUGIN_LOAD_FAILED', /needs kind, name and create/],
    [{ module: './nothing.js', export: 'absent' }, 'PLUGIN_LOAD_FAILED', /export "absent": is missing/],
    [{ module: './strange.js' }, 'PLUGIN_LOAD_FAILED', /the kind "kite" is unknown; known are discovery/],
    [{ module: './lost-worker.js' }, 'PLUGIN_NOT_FOUND', /its worker half cannot be found/],
    [{ module: './family.js', export: 'birds', options: { x: 1 } }, 'PLUGIN_OPTIONS_INVALID', /takes no options/],
  ];
  for (const [source, code, message] of cases) {
    await t.rejects(loadPlugins([source], { resolveFrom }), { code, message }, JSON.stringify(source));
  }
});

t.test('two plugins of one kind and name are refused', async (t) => {
  const resolveFrom: string[] = [];
  await t.rejects(loadPlugins([backend, backend], { resolveFrom }), {
    code: 'PLUGIN_MANIFEST_INVALID',
    message:
      'Two backend plugins are called "inline": plugin 0 (an object) and plugin 1 (an object). Keep one of them.',
  });
});

t.test('an inline plugin runs here, and says so', async (t) => {
  const warnings: string[] = [];
  const plugins = await loadPlugins([backend], {
    resolveFrom: [],
    log: (level, message) => level === 'warn' && warnings.push(message),
  });
  t.match(warnings, [/inline plugin backend "inline" runs in this process/]);
  t.equal(plugins.get('backend', 'inline').isolation, 'none');
  t.same(describeWorkerPlugins(plugins), [], 'a worker process cannot have it');
  const worker = await new WorkerPluginSet([], plugins.all).get('backend', 'inline');
  t.match(await worker.open('x', {}), { kind: 'native', table: 1n });
});

t.test('a strategy without a worker half is its own', async (t) => {
  const folder = t.testdir(modules);
  const plugins = await loadPlugins([{ module: './family.js', export: 'birds' }], {
    resolveFrom: [join(folder, 'plugins.json')],
  });
  const workers = new WorkerPluginSet(describeWorkerPlugins(plugins));
  t.match(await workers.get('sharding', 'birds'), { architectures: [] });
});

t.test('the shipped plugins load by name, in code as in a list', async (t) => {
  const resolveFrom = [new URL(import.meta.url)];
  const names = ['discovery-static', 'transport-tcp', 'engine-native', 'backend-cpu', 'sharding-llama'];
  const plugins = await loadPlugins(
    names.map((name) => ({ module: `@shoal/${name}` })),
    { resolveFrom },
  );
  requireCapabilities(plugins);
  t.same(
    plugins.all.map(({ kind, name }) => `${kind}/${name}`),
    ['discovery/static', 'transport/tcp', 'engine/native', 'backend/cpu', 'sharding/llama'],
  );
});

t.test('capabilities are compared with needs before anything starts', async (t) => {
  const plugins = await loadPlugins([backend], { resolveFrom: [] });
  t.throws(() => requireCapabilities(plugins), {
    code: 'PLUGIN_CAPABILITY_MISSING',
    message:
      'Missing: an engine plugin to run the shards of a model; a sharding plugin to split a model over devices; ' +
      'a transport plugin to carry activations between workers. Packages called @shoal/engine-…, @shoal/sharding-…, ' +
      '@shoal/transport-… provide them: list one of each kind.',
  });
  const { createWorker: _, ...probing } = backend;
  const half = await loadPlugins([probing], { resolveFrom: [] });
  t.throws(() => requireCapabilities(half), { message: /a backend plugin with a worker half .* \(inline has none\)/ });
  t.throws(() => plugins.get('backend', 'gpu'), { message: 'There is no backend plugin "gpu" (loaded: inline).' });
});
