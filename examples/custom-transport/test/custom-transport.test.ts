import { fileURLToPath } from 'node:url';
import { specVersions } from '@shoal/core';
import { transportConformance } from '@shoal/core/conformance';
import { probeChannels } from '@shoal/engine-node/testing';
import { createCluster, type PluginSource, startLocalNodes } from 'shoal';
import { exampleTransport, exampleTransportWorker } from 'shoal-example-transport';
import t from 'tap';

t.test('conformance', { timeout: 120_000 }, async (t) => {
  const [host, worker] = [exampleTransport(), exampleTransportWorker()];
  const peerModule = { url: import.meta.resolve('shoal-example-transport/worker') };
  const suite = transportConformance({ host, worker, probe: probeChannels, peerModule });
  for (const { name, run } of suite) await t.test(name, run);
});

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

t.test('two processes answer over it, as a module of plugins.json', { timeout: 120_000 }, async (t) => {
  const pluginManifest = fileURLToPath(new URL('../../../../examples/custom-transport/plugins.json', import.meta.url));
  await using cluster = await startLocalNodes(2, { pluginManifest });
  for (const plan of ['pp=2', 'tp=2']) {
    await using model = await cluster.load('shoal-tiny-chat', { plan });
    t.equal((await model.chat(question).result).text, answer, plan);
  }
});

t.test('an object in code does its work in the program', async (t) => {
  const inline: PluginSource = {
    kind: 'transport',
    name: 'example',
    specVersion: specVersions.transport,
    isolation: 'none',
    create: () => exampleTransport(),
    createWorker: () => exampleTransportWorker(),
  };
  const others = ['@shoal/engine-native', '@shoal/backend-cpu', '@shoal/sharding-llama'];
  await using cluster = await createCluster([inline, ...others.map((module) => ({ module }))], { home: t.testdir() });
  await using model = await cluster.load('shoal-tiny-chat');
  t.equal((await model.chat(question).result).text, answer);
});
