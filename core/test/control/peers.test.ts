import { randomBytes } from 'node:crypto';
import { setTimeout as sleep } from 'node:timers/promises';
import { controlProtocolVersion } from '@shoal/core';
import { type ControlHost, createIdentity, startControlHost } from '@shoal/core/internal/control/libp2p-host.js';
import type { UnreachablePeer } from '@shoal/core/internal/control/lost-peers.js';
import { Peers } from '@shoal/core/internal/control/peers.js';
import type { RefusedPeer } from '@shoal/core/internal/control/refusals.js';
import t from 'tap';

interface TestNode {
  readonly name: string;
  readonly host: ControlHost;
  readonly peers: Peers;
  readonly joined: string[];
  readonly left: string[];
  readonly lost: { name: string; code: string }[];
  readonly refused: RefusedPeer[];
  readonly unreachable: UnreachablePeer[];
  /** Leaves in good order. */
  leave(): Promise<void>;
  /** Ends as a process does that is killed. */
  stop(): Promise<void>;
}

interface TestNodeOptions {
  readonly version?: number;
  readonly identity?: string;
  readonly listen?: string;
}

async function until(condition: () => boolean, what: string, deadlineMilliseconds = 60_000): Promise<void> {
  const end = performance.now() + deadlineMilliseconds;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(10);
  }
}

async function startNode(
  name: string,
  clusterKey: Uint8Array,
  { version = controlProtocolVersion, identity, listen = '/ip4/127.0.0.1/tcp/0' }: TestNodeOptions = {},
): Promise<TestNode> {
  const joined: string[] = [];
  const left: string[] = [];
  const lost: { name: string; code: string }[] = [];
  const refused: RefusedPeer[] = [];
  const unreachable: UnreachablePeer[] = [];
  const incarnation = randomBytes(8).toString('hex');
  let host: ControlHost | undefined;
  const peers = new Peers({
    self: () => ({
      protocolVersion: version,
      softwareVersion: '0.1.0',
      nodeId: host?.nodeId ?? '',
      nodeName: name,
      addresses: [...(host?.addresses ?? [])],
      incarnation,
    }),
    handlers: { ping: () => ({}), describe: () => ({ factsJson: `${name}: ${'x'.repeat(100_000)}` }) },
    observer: {
      joined: (peer) => void joined.push(peer.nodeName),
      left: (peer) => void left.push(peer.nodeName),
      lost: (peer, { code }) => void lost.push({ name: peer.nodeName, code }),
      refused: (refusal) => void refused.push(refusal),
      unreachable: (peer) => void unreachable.push(peer),
    },
  });
  host = await startControlHost({
    identity,
    clusterKey,
    listen: [listen],
    onChannel: (peerId, channel) => peers.accept(peerId, channel),
    onStranger: (address) => peers.metStranger(address),
  });
  peers.start(host);
  const started = host;
  const stop = async () => {
    peers.stop();
    await started.stop();
  };
  return {
    name,
    host,
    peers,
    joined,
    left,
    lost,
    refused,
    unreachable,
    async leave() {
      await peers.sayGoodbye();
      await stop();
    },
    stop,
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
  await a.stop();
  await until(() => b.lost.length === 1, 'b noticed that a is gone');
  t.same(b.lost, [{ name: 'a', code: 'NODE_LOST' }]);
  t.match(b.peers.unreachable(), [{ nodeName: 'a', nodeId: a.host.nodeId, code: 'NODE_LOST' }]);
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
  t.same([a.lost, b.lost, a.left, b.left], [[], [], [], []]);
  await Promise.all([a.stop(), b.stop()]);
});

t.test('a node with another cluster key is refused by name on both sides of the attempt', async (t) => {
  const [a, stranger] = await Promise.all([startNode('a', randomBytes(32)), startNode('s', randomBytes(32))]);
  stranger.peers.sighted(sighting(a));
  await until(() => stranger.refused.length === 1, 'refused');
  t.match(stranger.refused[0], { code: 'NODE_NOT_A_MEMBER', message: /it has another cluster key/ });
  t.match(stranger.peers.refused(), [{ code: 'NODE_NOT_A_MEMBER', address: /127\.0\.0\.1/ }]);
  t.same(stranger.peers.unreachable(), [], 'it is listed once');
  await until(() => a.refused.length === 1, 'told on the other side');
  t.match(a.peers.refused(), [{ address: '127.0.0.1', code: 'NODE_NOT_A_MEMBER', message: /another cluster key/ }]);
  await sleep(1000);
  t.equal(a.refused.length, 1, 'once, however often it comes');
  t.same(a.joined, []);
  await Promise.all([a.stop(), stranger.stop()]);
});

t.test('a node of another protocol version is listed with the reason, on both sides', async (t) => {
  const key = randomBytes(32);
  const [a, old] = await Promise.all([startNode('a', key), startNode('old', key, { version: 0 })]);
  old.peers.sighted(sighting(a));
  await until(() => old.refused.length === 1 && a.refused.length === 1, 'refused');
  t.match(a.refused[0], { code: 'NODE_VERSION_MISMATCH', message: /old.*protocol 0.*speaks 1/ });
  t.match(old.refused[0], { code: 'NODE_VERSION_MISMATCH' });
  const listed = { nodeId: old.host.nodeId, nodeName: 'old', softwareVersion: '0.1.0', code: 'NODE_VERSION_MISMATCH' };
  t.match(a.peers.refused(), [listed]);
  t.equal(old.peers.refused().length, 1);
  await sleep(1500);
  t.equal(a.peers.refused().length, 1, 'once, however often it comes');
  t.equal(a.refused.length, 1);
  t.same(a.peers.list(), []);
  await Promise.all([a.stop(), old.stop()]);
});

t.test('an address that did not answer is nobody of its own once a member listens there', async (t) => {
  const key = randomBytes(32);
  const a = await startNode('a', key);
  const port = /tcp\/(\d+)/.exec(a.host.addresses[0] ?? '')?.[1];
  await a.stop();
  const b = await startNode('b', key);
  b.peers.sighted({ kind: 'seen', seenBy: 'test', addresses: [`/ip4/127.0.0.1/tcp/${port}`] });
  await b.peers.settled();
  t.equal(b.peers.unreachable().length, 1);
  const late = await startNode('late', key, { listen: `/ip4/127.0.0.1/tcp/${port}` });
  // Before the address is tried again, the one who listens there comes by itself.
  late.peers.sighted({ kind: 'seen', seenBy: 'test', addresses: b.host.addresses });
  await until(() => b.joined.length === 1, 'joined');
  t.same(b.peers.unreachable(), []);
  await Promise.all([late.stop(), b.stop()]);
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
  t.match(b.peers.unreachable(), [{ nodeId: '', code: 'NODE_UNREACHABLE', message: /nothing listens there/ }]);
  t.equal(b.unreachable.length, 1);
  const late = await startNode('late', key, { listen: `/ip4/127.0.0.1/tcp/${port}` });
  await until(() => b.joined.length === 1, 'joined after a retry');
  t.same(b.joined, ['late']);
  t.same(b.peers.unreachable(), []);
  await Promise.all([late.stop(), b.stop()]);
});

t.test('a node that says goodbye has left, and is not lost', async (t) => {
  const key = randomBytes(32);
  const [a, b] = await Promise.all([startNode('a', key), startNode('b', key)]);
  b.peers.sighted(sighting(a));
  await until(() => a.joined.length === 1 && b.joined.length === 1, 'both joined');
  const port = /tcp\/(\d+)/.exec(a.host.addresses[0] ?? '')?.[1];
  await a.leave();
  await until(() => b.left.length === 1, 'b heard that a left');
  await sleep(500);
  t.same(b.left, ['a']);
  t.same(b.lost, []);
  t.same([b.peers.list(), b.peers.unreachable(), b.unreachable], [[], [], []], 'nothing is left of it');
  // Somebody else stands where it was.
  const next = await startNode('next', key, { listen: `/ip4/127.0.0.1/tcp/${port}` });
  await until(() => b.joined.length === 2, 'the address is tried now and then', 120_000);
  t.same(b.joined, ['a', 'next']);
  await Promise.all([next.stop(), b.stop()]);
});

t.test('a node that comes back at another port is the same peer', async (t) => {
  const key = randomBytes(32);
  const identity = await createIdentity();
  const [a, first] = await Promise.all([startNode('a', key), startNode('b', key, { identity })]);
  a.peers.sighted(sighting(first, true));
  await until(() => a.joined.length === 1, 'joined');
  await first.stop();
  await until(() => a.lost.length === 1, 'lost');
  const again = await startNode('b', key, { identity });
  t.equal(again.host.nodeId, first.host.nodeId);
  t.not(again.host.addresses[0], first.host.addresses[0]);
  a.peers.sighted(sighting(again, true));
  await until(() => a.joined.length === 2, 'joined again');
  t.match(a.peers.list(), [{ nodeName: 'b', addresses: again.host.addresses }]);
  t.same(a.peers.unreachable(), []);
  await Promise.all([a.stop(), again.stop()]);
});

t.test('two nodes with one identity are told so', async (t) => {
  const key = randomBytes(32);
  const identity = await createIdentity();
  const [a, original, copy] = await Promise.all([
    startNode('a', key),
    startNode('original', key, { identity }),
    startNode('copy', key, { identity }),
  ]);
  original.peers.sighted(sighting(a));
  await until(() => a.joined.length === 1, 'joined');
  copy.peers.sighted(sighting(a));
  await until(() => copy.refused.length === 1 && a.refused.length === 1, 'refused on both sides');
  for (const { refused } of [a, copy]) {
    t.match(refused[0], { code: 'NODE_IDENTITY_IN_USE', message: /node copy has the identity of node original/ });
  }
  t.match(
    a.peers.list().map(({ nodeName }) => nodeName),
    ['original'],
  );
  t.same(a.lost, []);
  copy.peers.sighted(sighting(original));
  await until(() => copy.refused.length === 2, 'refused by its double');
  t.match(copy.refused[1], { code: 'NODE_IDENTITY_IN_USE' });
  await Promise.all([a.stop(), original.stop(), copy.stop()]);
});

t.test('an address of its own is no peer', async (t) => {
  const a = await startNode('a', randomBytes(32));
  a.peers.sighted(sighting(a));
  await a.peers.settled();
  t.same([a.refused, a.unreachable, a.peers.unreachable(), a.peers.refused()], [[], [], [], []]);
  await a.stop();
});

t.test('a peer that is found in many ways is one peer, and is lost once', async (t) => {
  const key = randomBytes(32);
  const [a, b] = await Promise.all([startNode('a', key), startNode('b', key)]);
  for (const seenBy of ['static', 'mdns', 'dht', 'udp-broadcast']) {
    a.peers.sighted({ ...sighting(b, seenBy !== 'static'), seenBy });
  }
  b.peers.sighted({ ...sighting(a, true), seenBy: 'mdns' });
  await until(() => a.joined.length === 1 && b.joined.length === 1, 'both joined');
  await Promise.all([a.peers.settled(), b.peers.settled()]);
  t.equal(a.peers.list().length, 1);
  await b.stop();
  await until(() => a.lost.length === 1, 'lost');
  await sleep(1000);
  t.same([a.joined.length, a.lost.length], [1, 1]);
  t.match(a.peers.unreachable(), [{ nodeName: 'b' }]);
  t.equal(a.peers.unreachable().length, 1, 'it is listed once');
  await a.stop();
});
