import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterState, LocalCluster } from 'shoal';
import t from 'tap';
import { answer, question, startLocalNodes } from './support/local.js';

const deadlineMilliseconds = 90_000;

async function until(
  cluster: LocalCluster,
  what: string,
  isWanted: (state: ClusterState) => boolean,
): Promise<ClusterState> {
  const end = performance.now() + deadlineMilliseconds;
  for (;;) {
    const state = await cluster.state();
    if (isWanted(state)) return state;
    if (performance.now() > end) throw new Error(`not in time: ${what}: ${JSON.stringify(state, undefined, 1)}`);
    await sleep(50);
  }
}

t.test('a model that is kept is loaded by the leader, and again when its node dies', async (t) => {
  await using cluster = await startLocalNodes(3);
  await until(cluster, 'a leader of all', ({ nodes, leader }) => nodes.length === 4 && !leader.isCampaigning);
  const wish = await cluster.keep('shoal-tiny-chat', { plan: 'pp=1', contextLength: 512 });
  const isServed = ({ instances }: ClusterState) =>
    instances.some((one) => one.wish === wish && one.state === 'ready' && one.isPresent);
  const first = await until(cluster, 'it is loaded', isServed);
  t.match(first.wishes, [{ wish, model: 'shoal-tiny-chat' }]);
  const [loaded] = first.instances;
  t.equal(first.instances.length, 1, 'once');
  const model = await cluster.model(loaded?.instance ?? '');
  t.equal((await model.chat(question).result).text, answer);

  const head = cluster.processes.find(({ nodeId }) => nodeId === loaded?.headNodeId);
  t.ok(head, 'on a node, not on the program that asked');
  process.kill(head?.processId ?? 0, 'SIGKILL');
  const again = await until(
    cluster,
    'it is loaded again',
    (state) => isServed(state) && !state.instances.some((one) => one.isPresent && one.headNodeId === head?.nodeId),
  );
  const served = again.instances.filter((one) => one.isPresent && one.wish === wish);
  t.equal(served.length, 1, 'once');
  t.not(served[0]?.instance, loaded?.instance);
  const other = await cluster.model(served[0]?.instance ?? '');
  t.equal((await other.chat(question).result).text, answer);

  await cluster.drop(wish);
  const last = await until(cluster, 'it is unloaded', ({ instances }) => !instances.some((one) => one.isPresent));
  t.same(last.wishes, []);
  await t.rejects(cluster.drop(wish), { code: 'INSTANCE_NOT_FOUND' });

  // Unloading by hand ends the wish, too, or it would be loaded again.
  const second = await cluster.keep('shoal-tiny-chat', { plan: 'pp=1', contextLength: 512 });
  const { instances } = await until(cluster, 'it is loaded', (state) =>
    state.instances.some((one) => one.wish === second && one.state === 'ready'),
  );
  await cluster.unload(instances.find((one) => one.wish === second)?.instance ?? '');
  const end = await until(cluster, 'it is gone', (state) => !state.instances.some((one) => one.isPresent));
  t.same(end.wishes, []);
});
