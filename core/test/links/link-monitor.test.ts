// What is measured when, with real sockets and with probes that the test answers.
import type { NetworkInterfaceInfo } from 'node:os';
import { ShoalError } from '@shoal/core';
import { Interfaces } from '@shoal/core/internal/links/interfaces.js';
import { LinkMonitor, type LinkMonitorOptions } from '@shoal/core/internal/links/link-monitor.js';
import { checkedReport, type LinkReport } from '@shoal/core/internal/links/link-report.js';
import { type ProbeRequest, probe } from '@shoal/core/internal/links/probe.js';
import { probeKey } from '@shoal/core/internal/links/probe-protocol.js';
import { ProbeResponder } from '@shoal/core/internal/links/probe-responder.js';
import { linksForPlacement } from '@shoal/core/internal/node/node-links.js';
import t, { type Test } from 'tap';

const key = probeKey(Buffer.alloc(32, 7));

const ipv4 = (address: string, netmask = '255.255.255.0'): NetworkInterfaceInfo => ({
  address,
  netmask,
  family: 'IPv4',
  mac: '',
  cidr: null,
  internal: address.startsWith('127.'),
});

/** Interfaces by name with one address each. */
function interfaces(addresses: Readonly<Record<string, string>>): Interfaces {
  const listed = Object.fromEntries(Object.entries(addresses).map(([name, address]) => [name, [ipv4(address)]]));
  return new Interfaces(
    () => listed,
    async (names) =>
      new Map(
        names.map((name) => {
          const kind = name === 'lo' ? 'loopback' : name.startsWith('wlan') ? 'wifi' : 'ethernet';
          return [name, { kind, kindFrom: 'the test', bandwidthBytesPerSecond: { value: 1e9, source: 'driver' } }];
        }),
      ),
  );
}

/** A responder that says it listens everywhere, and listens nowhere. */
function everywhere(addresses: readonly string[]): ProbeResponder {
  return {
    endpoints: addresses.map((address, index) => ({ address, port: 1000 + index })),
    listenOn: async () => undefined,
    stop: () => undefined,
  } as unknown as ProbeResponder;
}

interface Scene {
  readonly monitor: LinkMonitor;
  /** Targets in the order in which they were probed, those with a burst marked. */
  readonly probed: string[];
  now: number;
}

/** A node at 10.0.x.1 beside a peer at 10.0.x.2. */
function scene(
  t: Test,
  own: Readonly<Record<string, string>>,
  peer: Readonly<Record<string, string>>,
  answer: (request: ProbeRequest) => Promise<{ microseconds: number; bytesPerSecond: number; isLowerBound?: boolean }>,
  machines: readonly [string, string] = ['m1', 'm2'],
): Scene {
  const probed: string[] = [];
  const other: LinkMonitorOptions = {
    self: { nodeId: 'b', nodeName: 'bee', machineId: machines[1] },
    key,
    interfaces: interfaces(peer),
    responder: everywhere(Object.values(peer)),
    probe,
    probeAddresses: () => [],
    peers: () => [],
  };
  const there = new LinkMonitor(other);
  const here: Scene = {
    now: 1_000_000,
    probed,
    monitor: new LinkMonitor({
      self: { nodeId: 'a', nodeName: 'ay', machineId: machines[0] },
      key,
      interfaces: interfaces(own),
      responder: everywhere(Object.values(own)),
      probeAddresses: () => [],
      peers: () => [{ nodeId: 'b', offer: async () => (await there.report()).offer }],
      now: () => here.now,
      random: () => 0.5,
      async probe(request) {
        probed.push(`${request.endpoint.address}${request.withBandwidth ? ' burst' : ''}`);
        const { microseconds, bytesPerSecond, isLowerBound } = await answer(request);
        const sourceAddress = request.sourceAddress ?? Object.values(own)[0] ?? '';
        return {
          sourceAddress,
          roundTripMicroseconds: microseconds,
          ...(request.withBandwidth ? { bandwidth: { bytesPerSecond, isLowerBound: isLowerBound ?? false } } : {}),
        };
      },
    }),
  };
  t.teardown(() => here.monitor.stop());
  return here;
}

const refused = async () => {
  throw new ShoalError('NODE_UNREACHABLE', 'nobody there');
};

t.test('two nodes over real sockets', async (t) => {
  const peers: LinkMonitor[] = [];
  const node = (nodeId: string, index: number) =>
    new LinkMonitor({
      self: { nodeId, nodeName: nodeId, machineId: 'one machine' },
      key,
      interfaces: interfaces({ lo: '127.0.0.1' }),
      responder: new ProbeResponder({ key, nodeId }),
      probe,
      probeAddresses: () => ['127.0.0.1'],
      peers: () => {
        const other = peers[1 - index];
        return other ? [{ nodeId: index === 0 ? 'b' : 'a', offer: async () => (await other.report()).offer }] : [];
      },
    });
  peers.push(node('a', 0), node('b', 1));
  t.teardown(() => {
    for (const peer of peers) peer.stop();
  });
  const [first, second] = peers as [LinkMonitor, LinkMonitor];
  await first.start();
  await second.start();
  await first.refresh({ deadlineMilliseconds: 20_000, withBandwidth: true });
  const report = checkedReport(JSON.parse(JSON.stringify(await first.report())) as LinkReport, 'a');
  t.match(report.links, [
    {
      from: { nodeId: 'a', interfaceName: 'lo', address: '127.0.0.1' },
      to: { nodeId: 'b', interfaceName: 'lo', address: '127.0.0.1' },
      kind: 'loopback',
      latencyMicroseconds: { value: Number, source: 'measured' },
      bandwidthBytesPerSecond: { value: Number, source: 'measured' },
      measuredAt: Number,
    },
  ]);
  t.same(report.failures, []);
});

t.test('two networks, one of them slow', async (t) => {
  const here = scene(
    t,
    { eth0: '10.0.0.1', wlan0: '10.0.1.1' },
    { eth0: '10.0.0.2', wlan0: '10.0.1.2' },
    async (request) =>
      request.endpoint.address === '10.0.0.2'
        ? { microseconds: 200, bytesPerSecond: 1e8 }
        : { microseconds: 4000, bytesPerSecond: 2e7 },
  );
  const refresh = (withBandwidth: boolean) => here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth });
  await refresh(false);
  const { links } = await here.monitor.report();
  t.match(links, [
    {
      kind: 'ethernet',
      latencyMicroseconds: { value: 100 },
      bandwidthBytesPerSecond: { value: 1e9, source: 'driver' },
    },
    { kind: 'wifi', latencyMicroseconds: { value: 2000 } },
  ]);
  await refresh(true);
  t.same(here.probed, ['10.0.0.2', '10.0.1.2', '10.0.0.2 burst', '10.0.1.2 burst'], 'what is fresh is not asked again');
  t.match((await here.monitor.report()).links, [
    { bandwidthBytesPerSecond: { value: 1e8, source: 'measured' } },
    { bandwidthBytesPerSecond: { value: 2e7, source: 'measured' } },
  ]);
  here.now += 30_000;
  await refresh(true);
  t.same(here.probed.slice(4), ['10.0.0.2', '10.0.1.2'], 'latency is measured again, bandwidth holds for minutes');
  here.now += 11 * 60_000;
  await refresh(true);
  t.equal(here.probed.filter((one) => one.endsWith('burst')).length, 4);
});

t.test('the loopback interface of one machine', async (t) => {
  const addresses = { lo: '127.0.0.1', eth0: '10.0.0.1' };
  const works = scene(
    t,
    addresses,
    { lo: '127.0.0.1', eth0: '10.0.0.2' },
    async () => ({ microseconds: 20, bytesPerSecond: 1e9 }),
    ['m', 'm'],
  );
  await works.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false });
  t.same(
    (await works.monitor.report()).links.map(({ kind }) => kind),
    ['loopback'],
    'is enough where it leads there',
  );
  const containers = scene(
    t,
    addresses,
    { lo: '127.0.0.1', eth0: '10.0.0.2' },
    async (request) =>
      request.endpoint.address === '127.0.0.1' ? refused() : { microseconds: 20, bytesPerSecond: 1e9 },
    ['m', 'm'],
  );
  await containers.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false });
  const report = await containers.monitor.report();
  t.same(
    report.links.map(({ kind }) => kind),
    ['ethernet'],
    'containers of one machine have one each',
  );
  t.match(report.failures, [{ kind: 'loopback', reason: /nobody there/ }]);
});

t.test('a path that fails is named, forgotten for a while and found again', async (t) => {
  let works = true;
  const here = scene(t, { eth0: '10.0.0.1' }, { eth0: '10.0.0.2' }, async () =>
    works ? { microseconds: 100, bytesPerSecond: 1e8 } : refused(),
  );
  const refresh = () => here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false });
  await refresh();
  works = false;
  here.now += 20_000;
  await refresh();
  const report = await here.monitor.report();
  t.same(report.links, []);
  t.match(report.failures, [{ from: { address: '10.0.0.1' }, to: { address: '10.0.0.2' }, reason: 'nobody there' }]);
  await refresh();
  t.equal(here.probed.length, 2, 'not asked again at once');
  works = true;
  here.now += 20_000;
  await refresh();
  t.equal((await here.monitor.report()).links.length, 1);
  t.same((await here.monitor.report()).failures, []);
});

t.test('a lower bound holds for a minute, and until more is known', async (t) => {
  const answers = [
    { microseconds: 100, bytesPerSecond: 5e6, isLowerBound: true },
    { microseconds: 100, bytesPerSecond: 9e6, isLowerBound: true },
    { microseconds: 100, bytesPerSecond: 7e6, isLowerBound: true },
    { microseconds: 100, bytesPerSecond: 6e6, isLowerBound: false },
    { microseconds: 100, bytesPerSecond: 1e6, isLowerBound: false },
  ];
  const here = scene(t, { eth0: '10.0.0.1' }, { eth0: '10.0.0.2' }, async ({ withBandwidth }) => {
    const next = withBandwidth ? answers.shift() : answers[0];
    if (!next) throw new Error('nothing more was expected');
    return next;
  });
  const seen: unknown[] = [];
  const bounds: unknown[] = [];
  for (const seconds of [0, 61, 1, 61, 61, 61]) {
    here.now += seconds * 1000;
    await here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: true });
    const [link] = (await here.monitor.report()).links;
    seen.push(link && 'value' in link.bandwidthBytesPerSecond ? link.bandwidthBytesPerSecond.value : link);
    bounds.push(link?.isBandwidthLowerBound ?? false);
  }
  t.same(seen, [5e6, 9e6, 9e6, 9e6, 6e6, 6e6], 'and what was measured well is not measured again');
  t.same(bounds, [true, true, true, true, false, false]);
});

t.test('what was late once may still be there', async (t) => {
  const late = async () => {
    throw new ShoalError('TIMEOUT', 'no answer');
  };
  const here = scene(t, { eth0: '10.0.0.1' }, { eth0: '10.0.0.2' }, late);
  const refresh = () => here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: true });
  await refresh();
  const once = await here.monitor.report();
  t.match(once.links, [
    { kind: 'ethernet', latencyMicroseconds: { unknown: 'not measured yet' }, to: { address: '10.0.0.2' } },
  ]);
  t.same(once.failures, []);
  here.now += 20_000;
  await refresh();
  const twice = await here.monitor.report();
  t.same(twice.links, []);
  t.match(twice.failures, [{ reason: 'no answer' }]);
});

t.test('a deadline ends waiting and damages nothing', async (t) => {
  let isSilent = false;
  const here = scene(t, { eth0: '10.0.0.1' }, { eth0: '10.0.0.2' }, ({ signal }) =>
    isSilent
      ? new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted'))))
      : Promise.resolve({ microseconds: 100, bytesPerSecond: 1e8 }),
  );
  await here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false });
  here.now += 20_000;
  isSilent = true;
  await here.monitor.refresh({ deadlineMilliseconds: 30, withBandwidth: false });
  t.equal((await here.monitor.report()).links.length, 1, 'what was known stays');
  const controller = new AbortController();
  controller.abort(new ShoalError('ABORTED', 'enough'));
  await t.rejects(
    here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false, signal: controller.signal }),
    { code: 'ABORTED' },
  );
});

t.test('a peer that has left is forgotten', async (t) => {
  const here = scene(t, { eth0: '10.0.0.1' }, { eth0: '10.0.0.2' }, async () => ({
    microseconds: 100,
    bytesPerSecond: 1e8,
  }));
  await here.monitor.refresh({ deadlineMilliseconds: 20_000, withBandwidth: false });
  here.monitor.left('b');
  t.same((await here.monitor.report()).links, []);
});

t.test('what a peer says is checked', async (t) => {
  const good: LinkReport = {
    offer: {
      nodeId: 'b',
      nodeName: 'bee',
      machineId: 'm',
      interfaces: [],
      endpoints: [{ address: '10.0.0.2', port: 7 }],
    },
    links: [],
    failures: [],
  };
  t.equal(checkedReport(good, 'b'), good);
  const link = {
    from: { nodeId: 'b' },
    to: { nodeId: 'a' },
    kind: 'ethernet',
    latencyMicroseconds: { value: 5, source: 'measured' },
    bandwidthBytesPerSecond: { unknown: 'x' },
  } as const;
  t.ok(checkedReport({ ...good, links: [link] }, 'b'));
  const bad: readonly unknown[] = [
    null,
    {},
    { ...good, links: undefined },
    { ...good, links: 'many' },
    { ...good, links: [null] },
    { ...good, links: [{ ...link, from: { nodeId: 'a' } }] },
    { ...good, links: [{ ...link, latencyMicroseconds: { value: 0, source: 'measured' } }] },
    { ...good, links: [{ ...link, latencyMicroseconds: {} }] },
    { ...good, failures: [{}] },
    { ...good, offer: { ...good.offer, nodeId: 'c' } },
    { ...good, offer: { ...good.offer, interfaces: Array.from({ length: 65 }, () => ({})) } },
    { ...good, offer: { ...good.offer, endpoints: [{ address: '10.0.0.2', port: 70_000 }] } },
  ];
  for (const report of bad) {
    t.throws(
      () => checkedReport(report as LinkReport, 'b'),
      { code: 'REQUEST_INVALID' },
      JSON.stringify(report).slice(0, 80),
    );
  }
});

t.test('placement hears of pairs about which nothing is known', async (t) => {
  const offer = (nodeId: string) => ({ nodeId, nodeName: nodeId, machineId: nodeId, interfaces: [], endpoints: [] });
  const measured = {
    from: { nodeId: 'a' },
    to: { nodeId: 'b' },
    kind: 'ethernet',
    latencyMicroseconds: { value: 5, source: 'measured' },
    bandwidthBytesPerSecond: { unknown: 'x' },
  } as const;
  const failed = { from: { nodeId: 'b' }, to: { nodeId: 'a' }, kind: 'ethernet', reason: 'x', triedAt: 1 } as const;
  const reports = [
    { offer: offer('a'), links: [measured], failures: [] },
    { offer: offer('b'), links: [], failures: [failed] },
  ];
  const links = linksForPlacement({ reports, silent: [] }, ['a', 'b', 'c']);
  t.equal(links[0], measured);
  t.same(
    links.slice(1).map(({ from, to, kind }) => `${from.nodeId}${to.nodeId} ${kind}`),
    ['ac unknown', 'bc unknown', 'ca unknown', 'cb unknown'],
    'what failed is no link, what nobody tried may be one',
  );
  t.same(linksForPlacement({ reports: [], silent: [] }, ['a']), []);
});
