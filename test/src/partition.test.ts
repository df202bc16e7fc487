// A network falls into two halves, both of which go on, and becomes one again.
import t from 'tap';
import { HostCluster } from './support/host-cluster.js';
import { eagerMdns } from './support/host-plugins.js';
import { NamespaceHosts } from './support/namespaces.js';

const firewallReason = NamespaceHosts.firewallUnavailableReason();
const question = [{ role: 'user', content: 'What is 12 plus 30?' }] as const;
const answer = '12 + 30 = 42.';

t.test('a network that parts and heals', { skip: firewallReason ?? false }, async (t) => {
  await using hosts = new HostCluster(['anna', 'bert', 'carl', 'dora'], { discovery: [eagerMdns] });
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
