import { contractVersion, loadPlugins, type PluginModule, pluginKinds, registerPluginKind } from '@shoal/core';
import t from 'tap';

declare module '@shoal/core' {
  interface PluginKinds {
    /** Made up for this test. */
    barometer: { host: { read(): number }; worker: never };
  }
}

const plugin: PluginModule<'barometer', { offset: number }> = {
  kind: 'barometer',
  name: 'wall',
  specVersion: 4,
  optionsSchema: { type: 'object', properties: { offset: { type: 'number', default: 3 } } },
  create: ({ offset }) => ({ read: () => 1010 + offset }),
};
const inline = {
  ...plugin,
  isolation: 'none' as const,
  create: (options: unknown) => plugin.create(options as never, { log: () => undefined }),
};

t.test('a kind that nobody registered is refused, with those that are known', async (t) => {
  await t.rejects(loadPlugins([inline], { resolveFrom: [] }), {
    code: 'PLUGIN_LOAD_FAILED',
    message: /the kind "barometer" is unknown; known are discovery, transport, backend, sharding, engine/,
  });
});

t.test('a registered kind loads like those of core, typed by declaration merging', async (t) => {
  registerPluginKind('barometer', 4);
  registerPluginKind('barometer', 4);
  t.ok(pluginKinds().includes('barometer'));
  t.equal(contractVersion('barometer'), 4);
  const plugins = await loadPlugins([inline], { resolveFrom: [] });
  const [found] = plugins.of('barometer');
  t.equal(found?.host.read(), 1013);
  await t.rejects(loadPlugins([{ ...inline, specVersion: 3 }], { resolveFrom: [] }), {
    code: 'PLUGIN_VERSION_MISMATCH',
    message: /barometer plugin "wall" is written for version 3 of the barometer contract; this is version 4/,
  });
});

t.test('a kind has one contract, and a name', async (t) => {
  t.throws(() => registerPluginKind('transport', 9), {
    code: 'ARGUMENT_INVALID',
    message: /registered with version 1/,
  });
  for (const [kind, version] of [
    ['Loud Kind', 1],
    ['', 1],
    ['api', 0],
    ['api', 1.5],
  ] as const) {
    t.throws(() => registerPluginKind(kind, version), { code: 'ARGUMENT_INVALID' }, `${kind} ${version}`);
  }
});
