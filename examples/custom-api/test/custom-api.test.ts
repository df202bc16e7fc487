import { apiConformance } from '@shoal/core/conformance';
import { createCluster } from 'shoal';
import { ask, LineApi } from 'shoal-example-api';
import t from 'tap';

t.test('conformance', { timeout: 120_000 }, async (t) => {
  const suite = apiConformance({ open: () => new LineApi({ port: 0 }), ask });
  for (const { name, run } of suite) await t.test(name, run);
});

t.test('a model answers over it', { timeout: 120_000 }, async (t) => {
  const others = ['@shoal/transport-tcp', '@shoal/engine-native', '@shoal/backend-cpu', '@shoal/sharding-llama'];
  const plugins = [...others.map((module) => ({ module })), { module: 'shoal-example-api', options: { port: 0 } }];
  await using cluster = await createCluster(plugins, { home: t.testdir() });
  const [address = ''] = cluster.apis.flatMap(({ addresses }) => addresses);
  const question = { address, text: 'What is 12 plus 30?', signal: AbortSignal.timeout(60_000) };
  await t.rejects(ask({ ...question, model: 'shoal-tiny-chat' }), /INSTANCE_NOT_FOUND/);
  await using _model = await cluster.load('shoal-tiny-chat');
  t.equal(await ask({ ...question, model: 'shoal-tiny-chat' }), '12 + 30 = 42.');
});
