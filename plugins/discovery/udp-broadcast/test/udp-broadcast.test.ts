import { type Loss, loadPlugins, type Sighting } from '@shoal/core';
import { type UdpBroadcastOptions, udpBroadcast } from '@shoal/discovery-udp-broadcast';
import { broadcastAddresses } from '@shoal/discovery-udp-broadcast/internal/broadcast-addresses.js';
import { decodeDatagram, encodeDatagram } from '@shoal/discovery-udp-broadcast/internal/datagram.js';
import t from 'tap';

const peerId = '12D3KooWCztMv5Hj2WqJGXqvPLmCqpNkqFxYQGBKmUwsw6KXPvKQ';
const tag = '0123456789abcdef';
const datagram = { tag, peerId, addresses: ['/ip4/192.168.1.20/tcp/4001'], leaving: false };

t.test('datagrams survive the wire', async (t) => {
  t.same(decodeDatagram(encodeDatagram(datagram)), datagram);
  t.same(decodeDatagram(encodeDatagram({ ...datagram, leaving: true })), { ...datagram, leaving: true });
});

t.test('addresses that do not fit a datagram are left out', async (t) => {
  const addresses = Array.from({ length: 40 }, (_, index) => `/dns/${'a'.repeat(100)}${index}/tcp/4001`);
  const bytes = encodeDatagram({ ...datagram, addresses });
  t.ok(bytes.length <= 1200);
  const kept = decodeDatagram(bytes)?.addresses ?? [];
  t.ok(kept.length >= 8 && kept.length < 16, `${kept.length} fit`);
  t.same(kept, addresses.slice(0, kept.length));
});

t.test('what is no datagram is passed over', async (t) => {
  const text = (value: unknown) => Buffer.from(JSON.stringify(value));
  const good = { shoal: 1, ...datagram };
  t.ok(decodeDatagram(text(good)), 'this one is right');
  const wrong: unknown[] = [
    null,
    7,
    [],
    {},
    { ...good, shoal: 2 },
    { ...good, tag: 'XYZ' },
    { ...good, peerId: '../..' },
    { ...good, peerId: 'x'.repeat(500) },
    { ...good, addresses: '/ip4/1.2.3.4/tcp/1' },
    { ...good, addresses: ['1.2.3.4'] },
    { ...good, addresses: [`/ip4/${'1'.repeat(300)}/tcp/1`] },
    { ...good, addresses: Array.from({ length: 17 }, () => '/ip4/1.2.3.4/tcp/1') },
    { ...good, leaving: 'yes' },
  ];
  for (const value of wrong) t.equal(decodeDatagram(text(value)), undefined, JSON.stringify(value));
  t.equal(decodeDatagram(Buffer.from('{"shoal":1')), undefined, 'truncated');
  t.equal(decodeDatagram(Buffer.from([0xff, 0xfe, 0x00])), undefined, 'not text');
  t.equal(decodeDatagram(text({ ...good, more: 'x'.repeat(2000) })), undefined, 'too long');
});

t.test('broadcast addresses follow from address and netmask', async (t) => {
  const ipv4 = (address: string, netmask: string, internal = false) =>
    ({ family: 'IPv4', address, netmask, internal, mac: '', cidr: null }) as const;
  const interfaces = {
    lo: [ipv4('127.0.0.1', '255.0.0.0', true)],
    eth0: [
      ipv4('192.168.1.20', '255.255.255.0'),
      {
        family: 'IPv6',
        address: 'fe80::1',
        netmask: 'ffff::',
        internal: false,
        mac: '',
        cidr: null,
        scopeid: 2,
      } as const,
    ],
    eth1: [ipv4('10.20.33.7', '255.255.240.0'), ipv4('192.168.1.21', '255.255.255.0')],
  };
  t.same(broadcastAddresses(interfaces), ['192.168.1.255', '10.20.47.255']);
});

async function discoveryOf(options: Partial<UdpBroadcastOptions>) {
  const plugins = await loadPlugins([udpBroadcast(options)], { resolveFrom: [import.meta.url] });
  return plugins.get('discovery', 'udp-broadcast').host;
}

t.test('a node on loopback opens no socket and sees nobody', async (t) => {
  const discovery = await discoveryOf({});
  const announcement = { peerId, addresses: ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001'], clusterTag: tag };
  await discovery.announce(announcement, new AbortController().signal);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  const seen: (Sighting | Loss)[] = [];
  for await (const event of discovery.watch(controller.signal)) seen.push(event);
  t.same(seen, []);
});

t.test('whether it works here is found out, whatever the answer', async (t) => {
  const availability = await (await discoveryOf({ port: 40_002 })).availability?.();
  t.type(availability?.available, 'boolean');
  t.comment(JSON.stringify(availability));
});

t.test('options are checked', async (t) => {
  for (const options of [{ port: 0 }, { port: 70_000 }, { intervalSeconds: 0 }]) {
    await t.rejects(discoveryOf(options), { code: 'PLUGIN_OPTIONS_INVALID' });
  }
});
