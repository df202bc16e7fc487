// Who is in the cluster and who is not, with hosts of their own: pulled cables, blocked event loops, goodbyes, firewalls,
// and other versions.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent } from 'shoal';
import t from 'tap';
import { shoal } from './support/command.js';
import { HostCluster, HostScript } from './support/host-cluster.js';
import { eagerMdns } from './support/host-plugins.js';
import { NamespaceHosts } from './support/namespaces.js';

const reason = NamespaceHosts.unavailableReason();
const firewallReason = NamespaceHosts.firewallUnavailableReason();
/** Everybody is seen in three ways, and is one peer. */
const manyWays = [
  eagerMdns,
  { module: '@shoal/discovery-udp-broadcast', options: { intervalSeconds: 0.5 } },
  { module: '@shoal/discovery-static', options: { peers: ['/ip4/10.213.7.1/tcp/4001', '/ip4/10.213.7.2/tcp/4001'] } },
];

t.test('three nodes on hosts of their own', { skip: reason ?? false }, async (t) => {
  await using hosts = new HostCluster(['anna', 'bert', 'carl'], { spareHosts: 1, discovery: manyWays });
  const anna = await hosts.start('anna');
  await hosts.start('bert');
  // carl's event loop can be blocked from here.
  const carlHost = hosts.hostOf('carl');
  const carlWords = [hosts.homeOf('carl'), 'carl', carlHost.address, hosts.manifest];
  await using carl = await HostScript.start(carlHost, 'blockable-node', carlWords);
  const seen: ClusterEvent[] = [];
  (await hosts.of('anna')).on('*', (event) => seen.push(event));
  const seenOf = (kind: ClusterEvent['kind']) => seen.filter((event) => event.kind === kind);
  const allConnected = () =>
    Promise.all([
      hosts.until('anna', { bert: 'connected', carl: 'connected' }),
      hosts.until('bert', { anna: 'connected', carl: 'connected' }),
      hosts.until('carl', { anna: 'connected', bert: 'connected' }),
    ]);

  await t.test('find each other, each one once, though they are seen in three ways', async (t) => {
    await allConnected();
    const names = seenOf('node-joined').map((event) => (event.kind === 'node-joined' ? event.nodeName : ''));
    t.equal(new Set(names).size, names.length, 'nobody joins twice');
    t.equal((await (await hosts.of('anna')).nodes()).length, 3);
  });

  await t.test('a host whose event loop is blocked is stalled, and not lost', async (t) => {
    const enough = join(t.testdir(), 'enough');
    carl.say(enough);
    t.comment(`seen as stalled after ${Math.round(await hosts.until('anna', { carl: 'stalled' }))} ms`);
    // Beyond what a lost peer is waited for.
    await sleep(2500);
    writeFileSync(enough, '');
    await hosts.until('anna', { carl: 'connected' });
    await hosts.until('bert', { carl: 'connected' });
    t.same(seenOf('node-lost'), []);
  });

  await t.test('a pulled cable is noticed on both sides, and so is its return', async (t) => {
    seen.length = 0;
    carlHost.unplug();
    const lost = await Promise.all([
      hosts.until('anna', { carl: 'unreachable', bert: 'connected' }),
      hosts.until('bert', { carl: 'unreachable', anna: 'connected' }),
      hosts.until('carl', { anna: 'unreachable', bert: 'unreachable' }),
    ]);
    t.comment(`unreachable after ${lost.map(Math.round).join(', ')} ms`);
    t.match(seenOf('node-lost'), [{ nodeName: 'carl', code: 'NODE_LOST', reason: /carl is unreachable/ }]);
    const { output } = await shoal(['nodes', '--home', hosts.homeOf('anna')]);
    t.match(output, /carl +unreachable .*its pulses have stopped and it does not answer/);
    carlHost.plug();
    t.comment(`connected again after ${(await allConnected()).map(Math.round).join(', ')} ms`);
    t.equal(seenOf('node-lost').length, 1);
  });

  await t.test('a node that is stopped says goodbye, and is welcome again', async (t) => {
    seen.length = 0;
    await hosts.stop('bert');
    await hosts.until('anna', { bert: 'unknown', carl: 'connected' });
    t.match(seenOf('node-left'), [{ nodeName: 'bert' }]);
    t.same([seenOf('node-lost'), seenOf('node-unreachable')], [[], []]);
    await hosts.start('bert');
    await allConnected();
    t.same((await (await hosts.of('anna')).nodes()).length, 3, 'and is there once');
  });

  await t.test(
    'a firewall that stops datagrams costs nothing but speed',
    { skip: firewallReason ?? false },
    async (t) => {
      seen.length = 0;
      const cluster = await hosts.of('anna');
      const messageOf = async (name: string) =>
        (await cluster.nodes()).find(({ nodeName }) => nodeName === name)?.message;
      const end = performance.now() + 90_000;
      carlHost.blockDatagrams(4001);
      hosts.hostOf('anna').blockDatagrams(4001);
      while (!/UDP/.test((await messageOf('carl')) ?? '') && performance.now() < end) await sleep(50);
      t.match(await messageOf('carl'), /pulses \(UDP\) come no more although it answers/);
      await hosts.until('anna', { carl: 'connected' });
      carlHost.allowDatagrams();
      hosts.hostOf('anna').allowDatagrams();
      while ((await messageOf('carl')) !== undefined && performance.now() < end) await sleep(50);
      t.equal(await messageOf('carl'), undefined, 'and they are heard again');
      t.same(seenOf('node-lost'), []);
    },
  );

  await t.test('a node of another version is listed with the reason', async (t) => {
    const spare = hosts.network.hosts[3];
    if (!spare) throw new Error('a spare host was asked for');
    await using _tomorrow = await HostScript.start(spare, 'other-version-node', [
      '5e'.repeat(32),
      spare.address,
      anna.address,
    ]);
    const { output } = await shoal(['nodes', '--home', hosts.homeOf('anna')]);
    t.match(output, /tomorrow +refused +99\.0\.0 +node tomorrow .*speaks control protocol/);
    const json = await shoal(['nodes', '--home', hosts.homeOf('anna'), '--json']);
    const nodes = JSON.parse(json.output) as object[];
    t.match(nodes.at(-1), { nodeName: 'tomorrow', state: 'refused', code: 'NODE_VERSION_MISMATCH' });
    t.match(anna.errors(), /warn .*node tomorrow \(Shoal 99\.0\.0\) speaks control protocol/);
  });
});
