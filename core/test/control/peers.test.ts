import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlProtocolVersion } from '@shoal/core';
import { type ControlHost, startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import { type Peer, Peers, type RefusedPeer } from '@shoal/core/internal/control/peers.js';
import t from 'tap';

interface TestNode {
  readonly name: string;
  readonly host: ControlHost;
  readonly peers: Peers;
  readonly joined: string[];
  readonly left: { name: string; code: string }[];
  readonly refused: RefusedPeer[];
  stop(): Promise<void>;
}

async function until(condition: () => boolean, what: string, deadlineMilliseconds = 5000): Promise<void> {
  const end = performance.now() + deadlineMilliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(10);
  }
}

async function startNode(name: string, clusterKey: Uint8Array, version = controlProtocolVersion): Promise<TestNode> {
  const joined: string[] = [];
  const left: { name: string; code: string }[] = [];
  const refused: RefusedPeer[] = [];
  let host: ControlHost | undefined;
  const peers = new Peers({
    self: () => ({
      protocolVersion: version,
      softwareVersion: '0.1.0',
      nodeId: host?.nodeId ?? '',
      nodeName: name,
      addresses: [...(host?.addresses ?? [])],
    }),
    handlers: { ping: () => ({}), describe: () => ({ factsJson: `${name}: ${'x'.repeat(100_000)}` }) },
    observer: {
      joined: (peer: Peer) => joined.push(peer.nodeName),
      left: (peer, { code }) => left.push({ name: peer.nodeName, code }),
      refused: (refusal) => refused.push(refusal),
    },
  });
  host = await startControlHost({
    clusterKey,
    listen: ['/ip4/127.0.0.1/tcp/0'],
    onChannel: (peerId, channel) => peers.accept(peerId, channel),
  });
  peers.start(host);
  const started = host;
  return {
    name,
    host,
    peers,
    joined,
    left,
    refused,
    async stop() {
      peers.stop();
      await started.stop();
    },
  };
}

const sighting = (node: TestNode, withPeerId = false) => ({
  kind: 'seen' as const,
  seenBy: 'test',
  addresses: node.host.addresses.map((address) => (withPeerId ? address : address.replace(/\/p2p\/.*/, ''))),
  ...(withPeerId ? { peerId: node.host.nodeId } : {}),
});

t.test('two nodes meet over a bare address and call each other', async (t) => {
  const key = randomBytes(32);
  const [a, b] = await Promise.all([startNode('a', key), startNode('b', key)]);
  b.peers.sighted(sighting(a));
  await until(() => a.joined.length === 1 && b.joined.length === 1, 'both joined');
  const [fromA, fromB] = await Promise.all([
    a.peers.connectionTo(b.host.nodeId).call('describe', {}),
    b.peers.connectionTo(a.host.nodeId).call('describe', {}),
  ]);
  t.match(fromA.factsJson, /^b: x+$/);
  t.equal(fromB.factsJson?.length, 100_003);
  const started = performance.now();
  await a.stop();
  await until(() => b.left.length === 1, 'b heard that a left');
  t.ok(performance.now() - started < 1000);
  t.same(b.left, [{ name: 'a', code: 'NODE_LOST' }]);
  await b.stop();
});

t.test('nodes that see each other at the same time stay one peer each', async (t) => {
  const key = randomBytes(32);
  const [a, b] = await Promise.all([startNode('a', key), startNode('b', key)]);
  a.peers.sighted(sighting(b, true));
  b.peers.sighted(sighting(a, true));
  await until(() => a.joined.length === 1 && b.joined.length === 1, 'both joined');
  await sleep(200);
  t.equal(a.peers.list().length, 1);
  t.equal(b.peers.list().length, 1);
  t.same([a.left, b.left], [[], []]);
  await Promise.all([a.stop(), b.stop()]);
});

t.test('a node with another cluster key is refused by name on both sides of the attempt', async (t) => {
  const [a, stranger] = await Promise.all([startNode('a', randomBytes(32)), startNode('s', randomBytes(32))]);
  stranger.peers.sighted(sighting(a));
  await until(() => stranger.refused.length === 1, 'refused');
  t.match(stranger.refused[0], { code: 'NODE_NOT_A_MEMBER' });
  t.same(a.joined, []);
  await Promise.all([a.stop(), stranger.stop()]);
});

t.test('a node of another protocol version is listed with the reason, on both sides', async (t) => {
  const key = randomBytes(32);
  const [a, old] = await Promise.all([startNode('a', key), startNode('old', key, 0)]);
  old.peers.sighted(sighting(a));
  await until(() => old.refused.length === 1 && a.refused.length === 1, 'refused');
  t.match(a.refused[0], { code: 'NODE_VERSION_MISMATCH', message: /old.*protocol 0.*speaks 1/ });
  t.match(old.refused[0], { code: 'NODE_VERSION_MISMATCH' });
  t.same(a.peers.list(), []);
  await Promise.all([a.stop(), old.stop()]);
});

t.test('a node that comes later is found by retrying', async (t) => {
  const key = randomBytes(32);
  const a = await startNode('a', key);
  const port = /tcp\/(\d+)/.exec(a.host.addresses[0] ?? '')?.[1];
  await a.stop();
  const b = await startNode('b', key);
  b.peers.sighted({ kind: 'seen', seenBy: 'test', addresses: [`/ip4/127.0.0.1/tcp/${port}`] });
  await b.peers.settled();
  t.same(b.joined, []);
  const host = await startControlHost({
    clusterKey: key,
    listen: [`/ip4/127.0.0.1/tcp/${port}`],
    onChannel: (peerId, channel) => late.accept(peerId, channel),
  });
  const late = new Peers({
    self: () => ({ protocolVersion: controlProtocolVersion, nodeId: host.nodeId, nodeName: 'late' }),
    handlers: {},
    observer: { joined: () => undefined, left: () => undefined, refused: () => undefined },
  });
  late.start(host);
  await until(() => b.joined.length === 1, 'joined after a retry');
  t.same(b.joined, ['late']);
  late.stop();
  await Promise.all([host.stop(), b.stop()]);
});
