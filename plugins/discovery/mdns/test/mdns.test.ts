import { type Loss, loadPlugins, type Sighting } from '@shoal/core';
import { type MdnsOptions, mdns } from '@shoal/discovery-mdns';
import { isOnNetwork, multicastInterfaces } from '@shoal/discovery-mdns/internal/interfaces.js';
import { describe } from '@shoal/discovery-mdns/internal/mdns-discovery.js';
import {
  decodePacket,
  encodeAnswer,
  encodeQuestion,
  isQuestion,
  readAnswer,
} from '@shoal/discovery-mdns/internal/messages.js';
import { type Answer, encode } from 'dns-packet';
import t from 'tap';

const service = '_shoal-0123456789abcdef._udp.local';
const peerId = '12D3KooWCztMv5Hj2WqJGXqvPLmCqpNkqFxYQGBKmUwsw6KXPvKQ';
const addresses = [`/ip4/192.168.1.20/tcp/4001/p2p/${peerId}`, `/ip6/2001:db8::1/tcp/4001/p2p/${peerId}`];
const own = { peerId, addresses, leaving: false };

const read = (bytes: Uint8Array) => readAnswer(decodePacket(bytes) ?? {}, service);

t.test('questions and answers survive the wire', async (t) => {
  const question = decodePacket(encodeQuestion(service));
  t.ok(question && isQuestion(question, service));
  t.notOk(question && isQuestion(question, '_other._udp.local'), 'of another service');
  t.same(read(encodeAnswer(service, own)), own);
  t.same(read(encodeAnswer(service, { ...own, leaving: true })), { ...own, leaving: true });
  t.equal(readAnswer(decodePacket(encodeAnswer(service, own)) ?? {}, '_other._udp.local'), undefined);
  t.equal(read(encodeQuestion(service)), undefined, 'a question is no answer');
});

t.test('addresses that do not fit a text are left out', async (t) => {
  const long = `/dns/${'a'.repeat(250)}/tcp/4001/p2p/${peerId}`;
  t.same(read(encodeAnswer(service, { ...own, addresses: [long, ...addresses] })), own);
  const many = Array.from({ length: 40 }, (_, index) => `/ip4/10.0.0.${index}/tcp/4001/p2p/${peerId}`);
  t.equal(read(encodeAnswer(service, { ...own, addresses: many }))?.addresses.length, 16);
});

t.test('what cannot be read is passed over', async (t) => {
  const answer = (answers: Answer[]) => read(encode({ type: 'response', answers }));
  const pointer: Answer = { name: service, type: 'PTR', ttl: 120, data: `x.${service}` };
  const text = (data: string): Answer => ({ name: `x.${service}`, type: 'TXT', ttl: 120, data });
  t.same(answer([pointer, text(`dnsaddr=${addresses[0]}`)])?.peerId, peerId, 'this one is right');
  t.equal(answer([text(`dnsaddr=${addresses[0]}`)]), undefined, 'no pointer');
  t.equal(answer([pointer]), undefined, 'no address');
  t.equal(answer([pointer, text('dnsaddr=/ip4/1.2.3.4/tcp/1')]), undefined, 'no peer');
  t.equal(answer([pointer, text('dnsaddr=/ip4/1.2.3.4/tcp/1/p2p/short')]), undefined, 'not the id of a peer');
  t.equal(answer([pointer, text('dnsaddr=nonsense')]), undefined, 'no multiaddress');
  const other = `/ip4/1.2.3.4/tcp/1/p2p/${peerId.replace('Czt', 'Abc')}`;
  t.same(answer([pointer, text(`dnsaddr=${addresses[0]}`), text(`dnsaddr=${other}`)])?.addresses, [addresses[0]]);
  t.equal(decodePacket(Buffer.from('not a packet of DNS')), undefined);
  t.equal(decodePacket(new Uint8Array(0)), undefined);
  const right = encodeAnswer(service, own);
  for (let length = 0; length < right.length; length += 7) t.doesNotThrow(() => read(right.subarray(0, length)));
});

t.test('networks', async (t) => {
  const address = (text: string, internal = false) =>
    ({ family: 'IPv4', address: text, netmask: '255.255.255.0', internal, mac: '', cidr: null }) as const;
  const interfaces = {
    lo: [address('127.0.0.1', true)],
    eth0: [address('192.168.1.20'), address('192.168.9.1')],
    eth1: [],
  };
  const networks = multicastInterfaces(interfaces);
  const eth0 = { name: 'eth0', address: '192.168.1.20', netmask: '255.255.255.0' };
  t.same(networks, [eth0]);
  t.ok(isOnNetwork('192.168.1.77', eth0));
  t.notOk(isOnNetwork('192.168.2.77', eth0));
});

t.test('what was found out is told per network', async (t) => {
  const network = (name: string) => ({ name, address: '10.0.0.1', netmask: '255.0.0.0' });
  const works = { network: network('eth0'), problem: undefined, others: new Set<string>() };
  const blocked = { network: network('wlan0'), problem: 'what is sent does not come back', others: new Set<string>() };
  t.match(describe([]), { available: false, reason: /no network but loopback/ });
  t.match(describe([works]), {
    available: true,
    detail: /^eth0 lets multicast through, but no other machine was heard/,
  });
  t.match(describe([{ ...works, others: new Set(['a', 'b']) }]), { detail: /and 2 other machines were heard/ });
  t.match(describe([works, blocked]), {
    available: true,
    detail: /^eth0/,
    faults: [{ reason: /^multicast is blocked on wlan0 \(10\.0\.0\.1\): what is sent/, remedy: /--peer/ }],
  });
  t.match(describe([blocked]), { available: false, reason: /wlan0/, remedy: /discovery-dht.*udp-broadcast/ });
});

async function discoveryOf(options: Partial<MdnsOptions>) {
  const plugins = await loadPlugins([mdns(options)], { resolveFrom: [import.meta.url] });
  return plugins.get('discovery', 'mdns').host;
}

t.test('a node on loopback opens no socket and sees nobody', async (t) => {
  const discovery = await discoveryOf({});
  const announcement = { peerId, addresses: ['/ip4/127.0.0.1/tcp/4001', '/ip6/::1/tcp/4001'], clusterTag: 'abcdef12' };
  await discovery.announce(announcement, new AbortController().signal);
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 20);
  const seen: (Sighting | Loss)[] = [];
  for await (const event of discovery.watch(controller.signal)) seen.push(event);
  t.same(seen, []);
});

t.test('whether it works here is found out, whatever the answer', async (t) => {
  const availability = await (await discoveryOf({})).availability?.();
  t.type(availability?.available, 'boolean');
  t.comment(JSON.stringify(availability));
});

t.test('options are checked', async (t) => {
  for (const options of [{ port: 0 }, { port: 70_000 }, { intervalSeconds: 0 }]) {
    await t.rejects(discoveryOf(options), { code: 'PLUGIN_OPTIONS_INVALID' });
  }
});
