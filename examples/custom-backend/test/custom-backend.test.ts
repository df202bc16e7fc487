import { fileURLToPath } from 'node:url';
import { specVersions } from '@shoal/core';
import { backendConformance } from '@shoal/core/conformance';
import { type Cluster, createCluster, type PluginSource } from 'shoal';
import { exampleBackend, exampleBackendWorker } from 'shoal-example-backend';
import t from 'tap';

t.test('conformance', async (t) => {
  const suite = backendConformance({ host: exampleBackend(), worker: exampleBackendWorker() });
  for (const { name, run } of suite) await t.test(name, run);
});

const others: readonly PluginSource[] = [
  { module: '@shoal/transport-tcp' },
  { module: '@shoal/engine-native' },
  { module: '@shoal/sharding-llama' },
];

/** Tokens of answers, at weights as the checkpoint stores them. */
async function answers(cluster: Cluster): Promise<readonly (readonly number[])[]> {
  await using model = await cluster.load('shoal-tiny-chat', {
    storage: { matrix: 'as-stored', embedding: 'as-stored' },
    contextLength: 256,
  });
  const questions = ['What is 12 plus 30?', 'What is the capital of France?'];
  const results = questions.map((content) => model.chat([{ role: 'user', content }], { maximumTokens: 16 }).result);
  return (await Promise.all(results)).map(({ tokens }) => tokens);
}

t.test('the tokens are those of the shipped backend', { timeout: 120_000 }, async (t) => {
  await using shipped = await createCluster([...others, { module: '@shoal/backend-cpu' }], { home: t.testdir() });
  const expected = await answers(shipped);
  t.ok(
    expected.every((tokens) => tokens.length > 5),
    'there are answers to compare with',
  );

  await t.test('as a module of plugins.json', async (t) => {
    const pluginManifest = fileURLToPath(new URL('../../../../examples/custom-backend/plugins.json', import.meta.url));
    await using cluster = await createCluster({ pluginManifest, home: t.testdir() });
    t.same(await answers(cluster), expected);
  });

  await t.test('as an object in code', async (t) => {
    const inline: PluginSource = {
      kind: 'backend',
      name: 'example',
      specVersion: specVersions.backend,
      isolation: 'none',
      create: () => exampleBackend(),
      createWorker: () => exampleBackendWorker(),
    };
    await using cluster = await createCluster([inline, ...others], { home: t.testdir() });
    t.same(await answers(cluster), expected);
  });
});
