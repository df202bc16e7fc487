import { readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { referenceBackend, referenceBackendWorker } from '@shoal/backend-reference';
import { specVersions } from '@shoal/core';
import { createCluster, type PluginSource } from 'shoal';
import t from 'tap';
import { answer, question, startLocalNodes } from './support/local.js';

const withoutBackend: PluginSource[] = [
  { module: '@shoal/transport-tcp' },
  { module: '@shoal/engine-native' },
  { module: '@shoal/sharding-llama' },
];

t.test('a backend in TypeScript and one on ggml answer together', async (t) => {
  const folder = t.testdir({});
  const manifest = join(folder, 'plugins.json');
  await writeFile(manifest, JSON.stringify({ plugins: [...withoutBackend, { module: '@shoal/backend-reference' }] }));
  await using others = await startLocalNodes(1, { pluginManifest: manifest });
  const [other] = others.processes;
  if (!other) return;
  await using cluster = await createCluster([...withoutBackend, { module: '@shoal/backend-cpu' }], {
    home: join(folder, 'native'),
    name: 'native',
    clusterKey: await readFile(join(other.home, 'cluster.key'), 'utf8'),
    peers: other.addresses,
  });
  for (const plan of ['pp=2', 'tp=2']) {
    await using model = await cluster.load('shoal-tiny-chat', { plan });
    const backends = model.plan.stages.flatMap(({ members }) => members.map(({ backend }) => backend));
    t.same(backends.sort(), ['cpu', 'reference'], plan);
    t.equal((await model.chat(question).result).text, answer, plan);
  }
});

t.test('a plugin given as an object runs in this process, and says so', async (t) => {
  const warnings: string[] = [];
  const inline: PluginSource = {
    kind: 'backend',
    name: 'here',
    specVersion: specVersions.backend,
    isolation: 'none',
    create: () => referenceBackend(),
    createWorker: () => referenceBackendWorker(),
  };
  await using cluster = await createCluster([...withoutBackend, inline], {
    home: t.testdir(),
    name: 'inline',
    log: (level, message) => {
      if (level === 'warn') warnings.push(message);
    },
  });
  t.match(warnings, [/here.*runs in this process/]);
  const model = await cluster.load('shoal-tiny-chat');
  t.equal(model.plan.stages[0]?.members[0]?.backend, 'here');
  t.equal((await model.chat(question).result).text, answer);
  await model.unload();
  const again = await cluster.load('shoal-tiny-chat');
  t.equal((await again.chat(question).result).text, answer, 'it can be loaded again');
});

t.test('what is missing is said before anything starts', async (t) => {
  const homes = t.testdir({});
  await t.rejects(createCluster(withoutBackend, { home: join(homes, 'none') }), {
    code: 'PLUGIN_CAPABILITY_MISSING',
    message: /backend plugin to compute/,
  });
  await using asking = await createCluster(withoutBackend, { home: join(homes, 'asking'), devices: false });
  await t.rejects(asking.load('shoal-tiny-chat'), { code: 'PLAN_NO_DEVICES' });
  await t.rejects(createCluster([{ module: '@shoal/no-such-plugin' }], { home: join(homes, 'other') }), {
    code: 'PLUGIN_NOT_FOUND',
    message: /no-such-plugin/,
  });
});
