import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { type ClusterEvent, type LoadedModel, type LocalCluster, ShoalError } from 'shoal';
import t from 'tap';
import {
  answer,
  canFindWorkers,
  endlessAnswer,
  endlessContext,
  processOf,
  question,
  startLocalNodes,
  workersOf,
} from './support/local.js';

/** Starts an answer, does the damage after a few tokens, and tells how the request ended. */
async function interrupt(
  model: LoadedModel,
  damage: () => void,
): Promise<{ error: ShoalError; afterMilliseconds: number }> {
  let count = 0;
  let damagedAt = 0;
  try {
    for await (const _part of model.chat(question, endlessAnswer)) {
      count += 1;
      if (count !== 4) continue;
      damagedAt = performance.now();
      damage();
    }
  } catch (thrown) {
    if (ShoalError.is(thrown)) return { error: thrown, afterMilliseconds: performance.now() - damagedAt };
    throw thrown;
  }
  throw new Error('the request ended as if nothing had happened');
}

async function withCluster(run: (cluster: LocalCluster, model: LoadedModel) => Promise<void>): Promise<void> {
  await using cluster = await startLocalNodes(3);
  await run(cluster, await cluster.load('shoal-tiny-chat', { plan: 'pp=2', ...endlessContext }));
}

/** What is noticed by silence alone takes 20 s. */
const limitMilliseconds = 15_000;

for (const stage of [0, 1]) {
  t.test(`the worker of stage ${stage} is killed`, { skip: canFindWorkers }, (t) =>
    withCluster(async (cluster, model) => {
      const events: ClusterEvent[] = [];
      cluster.on('instance-failed', (event) => events.push(event));
      const node = processOf(cluster, model, stage);
      const { error, afterMilliseconds } = await interrupt(model, () => {
        for (const worker of workersOf(node)) process.kill(worker, 'SIGKILL');
      });
      t.equal(error.code, 'ENGINE_WORKER_EXITED');
      t.match(error.message, new RegExp(`stage ${stage}, member 0 .* on node ${node.name}`));
      t.equal(error.details.nodeId, node.nodeId);
      t.ok(afterMilliseconds < limitMilliseconds, `ended after ${Math.round(afterMilliseconds)} ms`);
      await t.rejects(model.chat(question).result, { code: 'INSTANCE_FAILED', message: new RegExp(node.name) });
      t.match(events, [{ kind: 'instance-failed', instance: model.instance, nodeId: node.nodeId }]);
      // All nodes live, and have room again.
      const next = await cluster.load('shoal-tiny-chat', { plan: 'pp=3' });
      t.equal((await next.chat(question).result).text, answer);
      t.same(
        cluster.processes.map((one) => workersOf(one).length),
        [1, 1, 1],
        'nothing is left of the failed instance',
      );
    }),
  );

  t.test(`the node of stage ${stage} is killed`, (t) =>
    withCluster(async (cluster, model) => {
      const lost = new Promise<ClusterEvent>((resolve) => cluster.on('node-lost', resolve));
      const node = processOf(cluster, model, stage);
      const { error, afterMilliseconds } = await interrupt(model, () => process.kill(node.processId, 'SIGKILL'));
      t.equal(error.code, 'NODE_LOST');
      t.match(error.message, new RegExp(node.name));
      t.equal(error.details.nodeId, node.nodeId);
      t.ok(afterMilliseconds < limitMilliseconds, `ended after ${Math.round(afterMilliseconds)} ms`);
      t.match(await lost, { nodeName: node.name, code: 'NODE_LOST' });
      const next = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
      t.equal((await next.chat(question).result).text, answer, 'the nodes that are left answer');
    }),
  );
}

t.test('a worker that dies while it loads fails the load by name', { skip: canFindWorkers }, async (t) => {
  await using cluster = await startLocalNodes(2);
  const node = cluster.processes[1];
  if (!node) return;
  const watch = setInterval(() => {
    for (const worker of workersOf(node)) process.kill(worker, 'SIGKILL');
  }, 5);
  await t.rejects(cluster.load('shoal-tiny-chat', { plan: 'pp=2' }), {
    code: 'ENGINE_WORKER_EXITED',
    message: /node-2/,
  });
  clearInterval(watch);
  const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  t.equal((await model.chat(question).result).text, answer);
});

t.test('a load that is aborted leaves nothing behind', async (t) => {
  await using cluster = await startLocalNodes(2);
  const controller = new AbortController();
  const loading = cluster.load('shoal-tiny-chat', { plan: 'pp=2', signal: controller.signal });
  // The processes of its workers start meanwhile, which takes longer than this.
  setTimeout(() => controller.abort(), 30);
  await t.rejects(loading, { code: 'ABORTED' });
  await t.rejects(cluster.load('shoal-tiny-chat', { signal: AbortSignal.abort() }), { code: 'ABORTED' });
  await t.rejects(cluster.load('shoal-tiny-chat', { signal: AbortSignal.timeout(1) }), { code: 'TIMEOUT' });
  t.same(
    (await cluster.instances()).filter(({ state }) => state === 'ready'),
    [],
  );
  const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  t.equal((await model.chat(question).result).text, answer);
});

t.test('what an attached program loaded does not outlive it', async (t) => {
  await using cluster = await startLocalNodes(1);
  const [node] = cluster.processes;
  if (!node) return;
  const script = `
    import { attach } from 'shoal';
    const cluster = await attach({ home: ${JSON.stringify(node.home)} });
    await cluster.load('shoal-tiny-chat');
    process.stdout.write('loaded');
    setInterval(() => undefined, 1000);`;
  // In this package's folder, from where its name resolves.
  const program = spawn(process.execPath, ['--input-type=module', '-e', script], {
    cwd: fileURLToPath(new URL('../../../sdk', import.meta.url)),
    stdio: ['ignore', 'pipe', 'inherit'],
  });
  await once(program.stdout, 'data');
  t.equal((await cluster.instances()).length, 1);
  const unloaded = new Promise((resolve) => {
    const watch = setInterval(() => {
      void cluster.instances().then((instances) => {
        if (instances.length > 0) return;
        clearInterval(watch);
        resolve(true);
      });
    }, 50);
  });
  program.kill('SIGKILL');
  t.ok(await unloaded);
});
