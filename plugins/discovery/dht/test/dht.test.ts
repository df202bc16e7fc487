// Members find all others through one address. The hosts here have no node above them, so that nobody introduces anybody:
// what is found, the table found.
import { randomBytes } from 'node:crypto';
import { type HostComponents, type Loss, loadPlugins, type ShoalError, type Sighting } from '@shoal/core';
import { type ControlHost, startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import { type DhtOptions, dht } from '@shoal/discovery-dht';
import { protocol } from '@shoal/discovery-dht/internal/member-records.js';
import { Pace } from '@shoal/discovery-dht/internal/pace.js';
import t, { type Test } from 'tap';

const clusterTag = '5ea15ea15ea15ea1';
/** For a machine that is busy with much else. */
const deadlineMilliseconds = 240_000;

class Member implements AsyncDisposable {
  readonly events: (Sighting | Loss)[] = [];
  private readonly controller = new AbortController();

  private constructor(
    readonly host: ControlHost,
    readonly components: HostComponents,
  ) {}

  /** `adapt`: what the plugin gets of the host. */
  static async start(
    clusterKey: Uint8Array,
    options: Partial<DhtOptions> = {},
    { listens = true, adapt = (given: HostComponents) => given } = {},
  ): Promise<Member> {
    const plugins = await loadPlugins([dht({ announceSeconds: 2, ...options })], { resolveFrom: [import.meta.url] });
    const discovery = plugins.get('discovery', 'dht').host;
    const service = await discovery.hostService?.();
    let components: HostComponents | undefined;
    const host = await startControlHost({
      clusterKey,
      listen: listens ? ['/ip4/127.0.0.1/tcp/0'] : [],
      services: {
        dht: (given) => {
          components = given;
          return service?.(adapt(given)) ?? {};
        },
      },
      onChannel: () => undefined,
    });
    const member = new Member(host, components as unknown as HostComponents);
    const { signal } = member.controller;
    void (async () => {
      for await (const event of discovery.watch(signal)) member.events.push(event);
    })();
    await discovery.announce({ peerId: host.nodeId, addresses: host.addresses, clusterTag }, signal);
    return member;
  }

  /** Those that are seen at this moment. */
  get seen(): string[] {
    const present = new Set<string>();
    for (const { kind, peerId } of this.events) {
      if (kind === 'seen') present.add(peerId ?? '');
      else present.delete(peerId ?? '');
    }
    return [...present].sort();
  }

  async dial(other: Member): Promise<void> {
    // A busy machine may need more than one try; in a node that is for the dialer.
    const deadline = performance.now() + deadlineMilliseconds;
    for (;;) {
      try {
        await this.host.dial(other.host.addresses, new AbortController().signal);
        return;
      } catch (thrown) {
        if (performance.now() > deadline || (thrown as ShoalError).code === 'NODE_NOT_A_MEMBER') throw thrown;
        await new Promise((resolve) => setTimeout(resolve, 100));
      }
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.controller.abort();
    await this.host.stop();
  }
}

async function until(condition: () => boolean): Promise<void> {
  const deadline = performance.now() + deadlineMilliseconds;
  while (!condition() && performance.now() < deadline) await new Promise((resolve) => setTimeout(resolve, 20));
}

const idsOf = (members: readonly Member[]) => members.map(({ host }) => host.nodeId).sort();
const othersOf = (members: readonly Member[], member: Member) => idsOf(members.filter((other) => other !== member));

async function seeEachOther(t: Test, members: readonly Member[]): Promise<void> {
  await until(() => members.every((member) => member.seen.length === members.length - 1));
  for (const member of members) t.same(member.seen, othersOf(members, member));
}

t.test('a chain in which each knows the one before it', async (t) => {
  const key = randomBytes(32);
  const members: Member[] = [];
  t.teardown(() => Promise.all(members.map((member) => member[Symbol.asyncDispose]())));
  const started = performance.now();
  for (let index = 0; index < 5; index += 1) {
    const member = await Member.start(key);
    const before = members.at(-1);
    if (before) await member.dial(before);
    members.push(member);
  }
  await seeEachOther(t, members);
  t.comment(`five members saw each other after ${Math.round(performance.now() - started)} ms`);

  await t.test('addresses are those at which the peers listen', async (t) => {
    const [first, , , , last] = members as [Member, Member, Member, Member, Member];
    const sighting = last.events.findLast(({ peerId }) => peerId === first.host.nodeId);
    t.same(sighting?.addresses, first.host.addresses);
  });

  await t.test('one whose key is another one finds and is found by nobody', async (t) => {
    await using stranger = await Member.start(randomBytes(32));
    await t.rejects(stranger.dial(members[0] as Member), { code: 'NODE_NOT_A_MEMBER' });
    await new Promise((resolve) => setTimeout(resolve, 1500));
    t.same(stranger.events, []);
    const ids = new Set(members.flatMap(({ events }) => events.map(({ peerId }) => peerId)));
    t.notOk(ids.has(stranger.host.nodeId));
  });

  await t.test('a node without an address finds the others and is not announced', async (t) => {
    await using guest = await Member.start(key, {}, { listens: false });
    await guest.dial(members[2] as Member);
    await until(() => guest.seen.length === members.length);
    t.same(guest.seen, idsOf(members));
    t.notOk(members.some(({ seen }) => seen.includes(guest.host.nodeId)));
  });

  await t.test('noise and foreign records of a member harm nobody', async (t) => {
    const [first, second] = members as [Member, Member];
    for (let count = 0; count < 20; count += 1) {
      const stream = await first.components.connectionManager.openStream(second.components.peerId, protocol);
      stream.send(randomBytes(1 + count * 50));
      await stream.close().catch(() => undefined);
    }
    const late = await Member.start(key);
    await late.dial(second);
    members.push(late);
    await seeEachOther(t, members);
  });

  await t.test('those that leave expire, the one that was asked first too, and the rest goes on', async (t) => {
    const [first, second] = members.splice(0, 2) as [Member, Member];
    const gone = idsOf([first, second]);
    await first[Symbol.asyncDispose]();
    await second[Symbol.asyncDispose]();
    await seeEachOther(t, members);
    for (const { events } of members) {
      const lost = new Set(events.filter(({ kind }) => kind === 'lost').map(({ peerId }) => peerId));
      t.ok(
        gone.every((id) => lost.has(id)),
        'both were told to be lost',
      );
    }
    const late = await Member.start(key);
    await late.dial(members[1] as Member);
    members.push(late);
    await seeEachOther(t, members);
  });
});

t.test('a member that was too busy to hear the first answers is found all the same', async (t) => {
  const key = randomBytes(32);
  let missed = 0;
  const isBusyAtFirst = (given: HostComponents) =>
    new Proxy(given, {
      get(target, name: keyof HostComponents) {
        if (name !== 'ping') return target[name];
        const ping: HostComponents['ping']['ping'] = (peer, options) => {
          if (missed >= 3) return target.ping.ping(peer, options);
          missed += 1;
          return Promise.reject(new Error('no answer in time'));
        };
        return { ping };
      },
    });
  await using first = await Member.start(key);
  await using second = await Member.start(key, {}, { adapt: isBusyAtFirst });
  await second.dial(first);
  await seeEachOther(t, [first, second]);
  t.equal(missed, 3);
});

t.test('bootstrap addresses are seen, for the control plane to dial', async (t) => {
  const bootstrap = ['/ip4/192.0.2.1/tcp/4001', '/dns/den.local/tcp/4001/p2p/12D3KooWExample'];
  await using member = await Member.start(randomBytes(32), { bootstrap: [...bootstrap, ...bootstrap] });
  await until(() => member.events.length === 2);
  t.same(member.events, [
    { kind: 'seen', addresses: [bootstrap[0]], seenBy: 'dht' },
    { kind: 'seen', addresses: [bootstrap[1]], seenBy: 'dht', peerId: '12D3KooWExample' },
  ]);
});

t.test('a node whose control plane is not of libp2p sees nobody', async (t) => {
  const plugins = await loadPlugins([dht()], { resolveFrom: [import.meta.url] });
  const discovery = plugins.get('discovery', 'dht').host;
  const announcement = { peerId: 'x', addresses: ['/ip4/127.0.0.1/tcp/1'], clusterTag };
  await discovery.announce(announcement, new AbortController().signal);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  for await (const { peerId } of discovery.watch(controller.signal)) t.fail(`saw ${peerId}`);
  t.match(await discovery.availability?.(), { available: true, detail: /--peer/ });
});

t.test('look-ups become rare when nothing happens', async (t) => {
  const pace = new Pace({ fastestMilliseconds: 250, idleMilliseconds: 1500, random: () => 0.5 });
  t.same([pace.next(), pace.next(), pace.next(), pace.next(), pace.next()], [250, 500, 1000, 1500, 1500]);
  pace.quicken();
  t.equal(pace.next(), 250);
  t.same([pace.next(700), pace.next(700)], [700, 1400], 'no more often than the cluster’s size allows');
  const spread = (random: () => number) => new Pace({ fastestMilliseconds: 100, idleMilliseconds: 100, random }).next();
  t.equal(Math.round(spread(() => 0)), 80);
  t.equal(Math.round(spread(() => 1)), 120);
});

t.test('options are checked', async (t) => {
  const load = (options: object) => loadPlugins([dht(options)], { resolveFrom: [import.meta.url] });
  for (const options of [{ bootstrap: ['192.0.2.1:4001'] }, { bootstrap: 'x' }, { announceSeconds: 0 }, { more: 1 }]) {
    await t.rejects(load(options), { code: 'PLUGIN_OPTIONS_INVALID' }, JSON.stringify(options));
  }
});
