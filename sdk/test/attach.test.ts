import { setTimeout as sleep } from 'node:timers/promises';
import { attach, type Cluster, createCluster, runningNode, ShoalError } from 'shoal';
import t from 'tap';

/** Attaches as soon as something answers. */
async function attachEarly(home: string): Promise<Cluster> {
  for (;;) {
    try {
      return await attach({ home });
    } catch (thrown) {
      if (!(ShoalError.is(thrown) && thrown.code === 'NODE_NOT_RUNNING')) throw thrown;
      await sleep(2);
    }
  }
}

t.test('a program that comes while the node starts waits for it', async (t) => {
  const home = t.testdir();
  const starting = createCluster({ home, name: 'den', identity: 'lasting' });
  await using attached = await attachEarly(home);
  t.match(await attached.nodes(), [{ nodeName: 'den', state: 'self' }]);
  await (await starting).close();
  await t.rejects(attached.nodes(), { code: 'NODE_LOST' });
});

t.test('a lasting identity lasts, and belongs to one process at a time', async (t) => {
  const home = t.testdir();
  const first = await createCluster({ home, identity: 'lasting' });
  t.equal(await runningNode({ home }), true);
  await t.rejects(createCluster({ home, identity: 'lasting' }), { code: 'NODE_ALREADY_RUNNING' });
  await using beside = await createCluster({ home });
  t.not(beside.nodeId, first.nodeId, 'a temporary one may be beside it');
  await first.close();
  t.equal(await runningNode({ home }), false);
  await using again = await createCluster({ home, identity: 'lasting' });
  t.equal(again.nodeId, first.nodeId);
});

t.test('nodes with a few addresses given all meet', async (t) => {
  const clusterKey = 'ab'.repeat(32);
  const homes = t.testdir({});
  const start = (name: string, peers: readonly string[]) =>
    createCluster({ home: `${homes}/${name}`, name, clusterKey, peers });
  await using first = await start('first', []);
  await using second = await start('second', first.addresses);
  await using third = await start('third', first.addresses);
  for (const cluster of [first, second, third]) {
    const end = performance.now() + 60_000;
    let others: readonly string[] = [];
    while (others.length < 2 && performance.now() < end) {
      others = (await cluster.nodes()).filter(({ state }) => state === 'connected').map(({ nodeName }) => nodeName);
      await sleep(20);
    }
    t.equal(others.length, 2, `${cluster.nodeName} is connected with ${others.join(' and ')}`);
  }
  await t.rejects(createCluster({ home: `${homes}/wrong`, clusterKey: 'short' }), { code: 'ARGUMENT_INVALID' });
  await t.rejects(createCluster({ home: `${homes}/wrong`, listen: ['nowhere at all'] }), { code: 'ARGUMENT_INVALID' });
});
