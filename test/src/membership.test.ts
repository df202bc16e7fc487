// Who is in the cluster and who is not, with hosts of their own: pulled cables, blocked event loops, goodbyes, firewalls,
// other versions, and networks that part and heal.
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent } from 'shoal';
import t from 'tap';
import { shoal } from './support/command.js';
import { HostCluster, HostScript } from './support/host-cluster.js';
import { NamespaceHosts } from './support/namespaces.js';

const reason = NamespaceHosts.unavailableReason();
const firewallReason = NamespaceHosts.firewallUnavailableReason();
const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

t.test('three nodes on hosts of their own', { skip: reason ?? false }, async (t) => {
  await using hosts = new HostCluster(['anna', 'bert', 'carl'], 1);
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

  await t.test('find each other', async () => {
    await allConnected();
  });

  await t.test('a host whose event loop is blocked is stalled, and not lost', async (t) => {
    carl.say('5000');
    t.comment(`seen as stalled after ${Math.round(await hosts.until('anna', { carl: 'stalled' }))} ms`);
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
      const end = performance.now() + 20_000;
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
    t.match(output, /tomorrow +refused +99\.0\.0 .*speaks control protocol/);
    const json = await shoal(['nodes', '--home', hosts.homeOf('anna'), '--json']);
    const nodes = JSON.parse(json.output) as object[];
    t.match(nodes.at(-1), { nodeName: 'tomorrow', state: 'refused', code: 'NODE_VERSION_MISMATCH' });
    t.match(anna.errors(), /warn .*node tomorrow \(Shoal 99\.0\.0\) speaks control protocol/);
  });
});

t.test('a network that parts and heals', { skip: firewallReason ?? false }, async (t) => {
  await using hosts = new HostCluster(['anna', 'bert', 'carl', 'dora']);
  const names = ['anna', 'bert', 'carl', 'dora'];
  for (const name of names) await hosts.start(name);
  const everybodySees = (stateOf: (name: string, other: string) => string) =>
    Promise.all(
      names.map((name) => {
        const others = names.filter((other) => other !== name);
        return hosts.until(name, Object.fromEntries(others.map((other) => [other, stateOf(name, other)])));
      }),
    );
  await everybodySees(() => 'connected');
  const halves = [
    ['anna', 'bert'],
    ['carl', 'dora'],
  ];
  hosts.network.part(halves.map((half) => half.map((name) => hosts.hostOf(name))));
  const isTogether = (name: string, other: string) =>
    halves.some((half) => half.includes(name) && half.includes(other));
  const parted = await everybodySees((name, other) => (isTogether(name, other) ? 'connected' : 'unreachable'));
  t.comment(`parted after ${parted.map(Math.round).join(', ')} ms`);
  const models = [];
  for (const [name] of halves) {
    const model = await (await hosts.of(name ?? '')).load('shoal-tiny-chat', { plan: 'pp=2' });
    models.push(model);
    t.equal((await model.chat(question).result).text, answer, `${name}'s half answers`);
  }
  hosts.network.heal();
  const healed = await everybodySees(() => 'connected');
  t.comment(`whole after ${healed.map(Math.round).join(', ')} ms`);
  for (const model of models) t.equal((await model.chat(question).result).text, answer, 'what served goes on');
  const serving = (await (await hosts.of('bert')).instances()).filter(({ state }) => state === 'ready');
  t.equal(serving.length, 2, 'and is known everywhere');
});
