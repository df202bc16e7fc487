// Probes over real sockets: what is measured, and who gets an answer.
import { connect, createServer, type Socket } from 'node:net';
import { setTimeout as sleep } from 'node:timers/promises';
import type { ShoalError } from '@shoal/core';
import { probe } from '@shoal/core/internal/links/probe.js';
import { probeKey } from '@shoal/core/internal/links/probe-protocol.js';
import { ProbeResponder } from '@shoal/core/internal/links/probe-responder.js';
import t, { type Test } from 'tap';

const key = probeKey(Buffer.alloc(32, 7));
const otherKey = probeKey(Buffer.alloc(32, 8));
const deadlineMilliseconds = 20_000;
const roundTrips = 4;

async function responder(t: Test, nodeId = 'b'): Promise<ProbeResponder> {
  const made = new ProbeResponder({ key, nodeId });
  t.teardown(() => made.stop());
  await made.listenOn(['127.0.0.1']);
  return made;
}

function endpointOf(made: ProbeResponder): { address: string; port: number } {
  const [endpoint] = made.endpoints;
  if (!endpoint) throw new Error('the responder listens nowhere');
  return endpoint;
}

t.test('latency and bandwidth of the loopback interface', async (t) => {
  const endpoint = endpointOf(await responder(t));
  const request = { key, nodeId: 'b', endpoint, roundTrips, deadlineMilliseconds };
  const light = await probe({ ...request, withBandwidth: false });
  t.ok(light.roundTripMicroseconds > 0);
  t.equal(light.sourceAddress, '127.0.0.1');
  t.equal(light.bandwidth, undefined);
  const full = await probe({ ...request, withBandwidth: true, sourceAddress: '127.0.0.1' });
  t.match(full.bandwidth, { bytesPerSecond: Number });
  t.comment(`${Math.round(full.roundTripMicroseconds)} µs, ${JSON.stringify(full.bandwidth)}`);
  // Two at once: the second burst waits for the first.
  const both = await Promise.all([1, 2].map(() => probe({ ...request, withBandwidth: true })));
  for (const { bandwidth } of both) t.match(bandwidth, { bytesPerSecond: Number });
});

t.test('a long path is measured with fewer round trips', async (t) => {
  const made = await responder(t);
  const { port: near } = endpointOf(made);
  // Everything takes 20 ms in each direction, and never less: timers are early where their loop's clock is late.
  const pass = (from: Socket, to: Socket) => {
    const waiting: { readonly due: number; readonly chunk: Buffer }[] = [];
    const deliver = () => {
      for (let next = waiting[0]; next && next.due <= performance.now(); next = waiting[0]) {
        waiting.shift();
        to.write(next.chunk);
      }
      if (waiting[0]) setTimeout(deliver, waiting[0].due - performance.now());
    };
    from.on('data', (chunk) => {
      waiting.push({ due: performance.now() + 20, chunk });
      if (waiting.length === 1) setTimeout(deliver, 20);
    });
  };
  const sockets = new Set<Socket>();
  const far = createServer((caller) => {
    const callee = connect(near, '127.0.0.1');
    for (const [from, to] of [
      [caller, callee],
      [callee, caller],
    ] as const) {
      sockets.add(from);
      pass(from, to);
      from.on('error', () => undefined);
      from.on('close', () => to.destroy());
    }
  });
  await new Promise<void>((resolve) => far.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    far.close();
  });
  const bound = far.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const endpoint = { address: '127.0.0.1', port: bound.port };
  // All of them would take 40 s.
  const request = { key, nodeId: 'b', endpoint, roundTrips: 1000, withBandwidth: false, deadlineMilliseconds: 15_000 };
  t.ok((await probe(request)).roundTripMicroseconds >= 40_000);
});

t.test('strangers', async (t) => {
  const made = await responder(t);
  const endpoint = endpointOf(made);
  const request = { key, nodeId: 'b', endpoint, roundTrips, withBandwidth: false, deadlineMilliseconds };
  await t.rejects(probe({ ...request, key: otherKey }), { code: 'NODE_NOT_A_MEMBER' }, 'a caller of another cluster');
  await t.rejects(
    probe({ ...request, nodeId: 'c' }),
    { code: 'NODE_NOT_A_MEMBER' },
    'another node than was looked for',
  );
  // What is no greeting is not answered.
  const bytes = await talk(endpoint.port, Buffer.from('GET / HTTP/1.1\r\nHost: example.org and more\r\n\r\n'));
  t.equal(bytes, 0);
  const greeted = Buffer.concat([
    Buffer.from([0x53, 0x48, 0x4c, 0x50, 1, 0, 0, 0]),
    Buffer.alloc(32),
    Buffer.alloc(32),
    Buffer.alloc(8, 1),
  ]);
  t.equal(await talk(endpoint.port, greeted), 64, 'a wrong proof is answered with the end');
  t.match(await probe(request), { sourceAddress: '127.0.0.1' }, 'and members are still answered');
});

/** Sends bytes and counts what comes until the other side ends. */
async function talk(port: number, bytes: Buffer): Promise<number> {
  const socket = connect(port, '127.0.0.1');
  socket.write(bytes);
  let count = 0;
  for await (const chunk of socket) count += (chunk as Buffer).length;
  return count;
}

t.test('silence and refusal', async (t) => {
  const silent = createServer(() => undefined);
  const sockets = new Set<Socket>();
  silent.on('connection', (socket) => sockets.add(socket));
  await new Promise<void>((resolve) => silent.listen(0, '127.0.0.1', resolve));
  t.teardown(() => {
    for (const socket of sockets) socket.destroy();
    silent.close();
  });
  const bound = silent.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const request = { key, nodeId: 'b', roundTrips, withBandwidth: false };
  const endpoint = { address: '127.0.0.1', port: bound.port };
  await t.rejects(probe({ ...request, endpoint, deadlineMilliseconds: 50 }), { code: 'TIMEOUT' });
  const controller = new AbortController();
  const probing = probe({ ...request, endpoint, deadlineMilliseconds, signal: controller.signal });
  setTimeout(() => controller.abort(), 20);
  await t.rejects(probing, { code: 'ABORTED' });
  const made = await responder(t);
  const gone = endpointOf(made);
  made.stop();
  await t.rejects(probe({ ...request, endpoint: gone, deadlineMilliseconds }), { code: 'NODE_UNREACHABLE' });
});

t.test('a responder follows the addresses', async (t) => {
  const made = new ProbeResponder({ key, nodeId: 'b' });
  t.teardown(() => made.stop());
  await made.listenOn(['127.0.0.1', '203.0.113.77']);
  t.same(
    made.endpoints.map(({ address }) => address),
    ['127.0.0.1'],
    'one that is not of this machine is left out',
  );
  const before = endpointOf(made);
  await made.listenOn(['127.0.0.1']);
  t.same(made.endpoints, [before], 'what is bound stays bound');
  await made.listenOn([]);
  t.same(made.endpoints, []);
  await sleep(10);
  const error = (await probe({
    key,
    nodeId: 'b',
    endpoint: before,
    roundTrips,
    withBandwidth: false,
    deadlineMilliseconds,
  }).catch((thrown: unknown) => thrown)) as ShoalError;
  t.equal(error.code, 'NODE_UNREACHABLE');
});

/** mulberry32 */
function randomBytesOf(seed: number): (count: number) => Buffer {
  let state = seed;
  const next = () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return (mixed ^ (mixed >>> 14)) & 0xff;
  };
  return (count) => Buffer.from(Array.from({ length: count }, next));
}

t.test('whatever strangers send, members are answered', async (t) => {
  const endpoint = endpointOf(await responder(t));
  const random = randomBytesOf(7);
  const greeting = Buffer.from([0x53, 0x48, 0x4c, 0x50, 1, 0, 0, 0]);
  for (let round = 0; round < 60; round += 1) {
    const bytes = random(round * 3);
    // Half of them begin well.
    const sent = round % 2 === 0 ? bytes : Buffer.concat([greeting, bytes]);
    await new Promise<void>((resolve) => {
      const socket = connect(endpoint.port, '127.0.0.1', () => socket.end(sent));
      socket.on('error', () => undefined);
      socket.on('close', () => resolve());
      socket.resume();
    });
  }
  const request = { key, nodeId: 'b', endpoint, roundTrips, withBandwidth: true, deadlineMilliseconds };
  t.match((await probe(request)).bandwidth, { bytesPerSecond: Number });
});

t.test('whatever answers, a probe ends with a code', async (t) => {
  const random = randomBytesOf(8);
  let answer: Buffer = Buffer.alloc(0);
  const server = createServer((socket) => {
    socket.on('error', () => undefined);
    socket.end(answer);
  });
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve));
  t.teardown(() => server.close());
  const bound = server.address();
  if (bound === null || typeof bound === 'string') throw new Error('no port');
  const endpoint = { address: '127.0.0.1', port: bound.port };
  const codes = new Set<string>();
  for (let round = 0; round < 40; round += 1) {
    answer = random(round * 4);
    const request = { key, nodeId: 'b', endpoint, roundTrips, withBandwidth: false, deadlineMilliseconds };
    const error = (await probe(request).catch((thrown: unknown) => thrown)) as ShoalError;
    codes.add(error.code);
  }
  t.same([...codes].sort(), ['NODE_NOT_A_MEMBER', 'NODE_UNREACHABLE']);
});
