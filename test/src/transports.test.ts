// One line of plugins.json, or of a list, changes what carries the activations; the answers stay.
import { randomBytes } from 'node:crypto';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { memoryDiscovery } from '@shoal/discovery-memory';
import { memoryTransport } from '@shoal/transport-memory';
import { type Cluster, createCluster, type PluginSource } from 'shoal';
import t, { type Test } from 'tap';
import { startLocalNodes } from '../../sdk/test/support/local.js';
import { repositoryRoot } from './support/repository.js';

const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

const others: readonly PluginSource[] = [
  { module: '@shoal/engine-native' },
  { module: '@shoal/backend-cpu' },
  { module: '@shoal/sharding-llama' },
];

/** Nodes in this process, one of each list; gives the first. */
async function nodesWith(t: Test, plugins: readonly (readonly PluginSource[])[]): Promise<Cluster> {
  const clusterKey = randomBytes(32);
  const room = randomBytes(8).toString('hex');
  const clusters: Cluster[] = [];
  t.teardown(() => Promise.all(clusters.map((cluster) => cluster.close())));
  const homes = t.testdir({});
  for (const [index, list] of plugins.entries()) {
    const name = `node-${index + 1}`;
    const options = { home: join(homes, name), name, clusterKey };
    clusters.push(await createCluster([memoryDiscovery({ room }), ...list, ...others], options));
  }
  const [first] = clusters as [Cluster];
  const deadline = Date.now() + 60_000;
  while ((await first.nodes()).length < plugins.length && Date.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 20));
  }
  t.equal((await first.nodes()).length, plugins.length, 'nodes of one process find each other in memory');
  return first;
}

/** The lines of README.md, each in the place of TCP in the list that ships. */
const readmeLists = (() => {
  const readme = readFileSync(join(repositoryRoot, 'README.md'), 'utf8');
  const shipped = readFileSync(join(repositoryRoot, 'plugins.json'), 'utf8');
  const lines = [...readme.matchAll(/^```json\n(\{ "module": "@shoal\/transport-(\w+)".*\})\n```$/gm)];
  return new Map(
    lines.map(([, line = '', name]) => [name, shipped.replace('{ "module": "@shoal/transport-tcp" }', line)]),
  );
})();

t.test('what README.md says to exchange works', async (t) => {
  t.same([...readmeLists.keys()], ['unix', 'memory']);
  const homes = t.testdir({});
  const manifestOf = (name: string) => {
    const manifest = join(homes, `${name}.json`);
    writeFileSync(manifest, readmeLists.get(name) ?? '');
    return manifest;
  };

  await t.test('Unix sockets between processes', async (t) => {
    await using cluster = await startLocalNodes(2, { pluginManifest: manifestOf('unix') });
    await using model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
    t.equal((await model.chat(question).result).text, answer);
  });

  await t.test('memory between nodes of one process', async (t) => {
    const options = { pluginManifest: manifestOf('memory'), clusterKey: randomBytes(32), apis: false } as const;
    await using first = await createCluster({ ...options, home: join(homes, 'one') });
    await using second = await createCluster({ ...options, home: join(homes, 'two'), peers: first.addresses });
    await second.nodes();
    await using model = await second.load('shoal-tiny-chat', { plan: 'pp=2' });
    t.equal((await model.chat(question).result).text, answer);
  });
});

t.test('a plugins.json with Unix sockets alone joins two processes', async (t) => {
  const manifest = join(t.testdir(), 'plugins.json');
  writeFileSync(manifest, JSON.stringify({ plugins: [{ module: '@shoal/transport-unix' }, ...others] }));
  await using cluster = await startLocalNodes(2, { pluginManifest: manifest });
  for (const plan of ['pp=2', 'tp=2']) {
    await using model = await cluster.load('shoal-tiny-chat', { plan });
    t.equal((await model.chat(question).result).text, answer, plan);
  }
});

t.test('memory joins the members of one process, in plain TypeScript', async (t) => {
  const cluster = await nodesWith(t, [[memoryTransport()], [memoryTransport()]]);
  for (const plan of ['pp=2', 'tp=2']) {
    await using model = await cluster.load('shoal-tiny-chat', { plan });
    t.equal(new Set(model.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId))).size, 2);
    t.equal((await model.chat(question).result).text, answer, plan);
  }
});

t.test('memory in a list where workers are processes says why it cannot be used', async (t) => {
  const memory = { module: '@shoal/transport-memory' };
  const cluster = await nodesWith(t, [[memory], [memory]]);
  await t.rejects(cluster.load('shoal-tiny-chat', { plan: 'pp=2' }), {
    code: 'TRANSPORT_UNAVAILABLE',
    message: /memory cannot be used on node-\d: workers run in processes of their own unless .* "isolation": "none"/,
  });
});

t.test('nodes that share no transport are named, with what each has', async (t) => {
  const cluster = await nodesWith(t, [[{ module: '@shoal/transport-tcp' }], [{ module: '@shoal/transport-unix' }]]);
  await t.rejects(cluster.load('shoal-tiny-chat', { plan: 'pp=2' }), {
    code: 'TRANSPORT_UNAVAILABLE',
    message: /no transport joins node-1 and node-2 \(node-1 has tcp; node-2 has unix\)/,
  });
  await using alone = await cluster.load('shoal-tiny-chat', { plan: 'pp=1' });
  t.equal((await alone.chat(question).result).text, answer, 'alone it goes on');
});

t.test('a node that shares no transport is left out where another plan is possible', async (t) => {
  const tcp = [{ module: '@shoal/transport-tcp' }];
  const cluster = await nodesWith(t, [tcp, [{ module: '@shoal/transport-unix' }], tcp]);
  await using model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  const { stages, leftOut } = model.plan;
  t.same(stages.map(({ members }) => members[0]?.nodeName).sort(), ['node-1', 'node-3']);
  t.equal((await model.chat(question).result).text, answer);
  t.ok(
    leftOut.some(({ nodeName }) => nodeName === 'node-2'),
    'the plan names it',
  );
});
