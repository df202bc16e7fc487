// The real thread with real sockets, on this machine alone.
import { randomBytes } from 'node:crypto';
import { createSocket } from 'node:dgram';
import { setTimeout as sleep } from 'node:timers/promises';
import { Worker } from 'node:worker_threads';
import { type PulseEnd, pulseBytes, pulseChannel } from '@shoal/core/internal/control/pulse/pulse-packet.js';
import type {
  PulseAddress,
  PulseNews,
  PulseOrder,
  PulseThreadOptions,
} from '@shoal/core/internal/control/pulse/pulse-protocol.js';
import t from 'tap';

const key = randomBytes(32);
const threadModule = new URL(import.meta.resolve('@shoal/core/internal/control/pulse/pulse-thread.js'));

class TestThread implements AsyncDisposable {
  readonly end: PulseEnd = { nodeId: randomBytes(4).toString('hex'), incarnation: randomBytes(8).toString('hex') };
  readonly news: PulseNews[] = [];
  private readonly beat = new SharedArrayBuffer(4);
  private readonly worker: Worker;
  private readonly beating: NodeJS.Timeout;

  constructor(listen: readonly PulseAddress[]) {
    const workerData: PulseThreadOptions = { listen, beat: this.beat, beatIntervalMilliseconds: 100 };
    this.worker = new Worker(threadModule, { workerData });
    this.worker.on('message', (news: PulseNews) => this.news.push(news));
    this.beating = setInterval(() => Atomics.add(new Int32Array(this.beat), 0, 1), 100);
  }

  stopBeating(): void {
    clearInterval(this.beating);
  }

  order(order: PulseOrder): void {
    this.worker.postMessage(order);
  }

  watch(peer: TestThread, address: PulseAddress | undefined): void {
    this.order({
      kind: 'watch',
      nodeId: peer.end.nodeId,
      outgoing: pulseChannel(key, this.end, peer.end),
      incoming: pulseChannel(key, peer.end, this.end),
      address,
    });
  }

  async port(): Promise<number> {
    const ready = await this.until((news) => news.kind === 'ready', 'the sockets listen');
    return ready.kind === 'ready' ? (ready.port ?? 0) : 0;
  }

  async until(wanted: (news: PulseNews) => boolean, what: string): Promise<PulseNews> {
    const end = performance.now() + 60_000;
    for (;;) {
      const found = this.news.find(wanted);
      if (found) return found;
      if (performance.now() > end) throw new Error(`not in time: ${what}`);
      await sleep(10);
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    clearInterval(this.beating);
    await this.worker.terminate();
  }
}

const loopback = { host: '127.0.0.1', port: 0 };
const changedTo = (state: string) => (news: PulseNews) => news.kind === 'changed' && news.state === state;

t.test('two nodes hear each other, even where only one listens', async (t) => {
  await using anna = new TestThread([loopback]);
  await using bert = new TestThread([]);
  const port = await anna.port();
  await bert.port();
  anna.watch(bert, undefined);
  bert.watch(anna, { host: '127.0.0.1', port });
  await Promise.all([anna, bert].map((one) => one.until(changedTo('heard'), 'heard')));
  t.match(bert.news[0], { kind: 'ready', problems: [] });
  t.notOk(
    bert.news.some((news) => news.kind === 'ready' && news.port !== undefined),
    'nothing of it listens',
  );
});

t.test('a node that stops is suspected, then silent; heard again, it has returned', async (t) => {
  await using anna = new TestThread([loopback]);
  await using bert = new TestThread([loopback]);
  const [annaPort, bertPort] = [await anna.port(), await bert.port()];
  anna.watch(bert, { host: '127.0.0.1', port: bertPort });
  bert.watch(anna, { host: '127.0.0.1', port: annaPort });
  await anna.until(changedTo('heard'), 'heard');
  bert.order({ kind: 'forget', nodeId: anna.end.nodeId });
  await anna.until(changedTo('silent'), 'silent');
  t.ok(anna.news.some(changedTo('suspected')));
  anna.order({ kind: 'await-return', nodeId: bert.end.nodeId });
  await sleep(200);
  t.notOk(anna.news.some(({ kind }) => kind === 'returned'));
  bert.watch(anna, { host: '127.0.0.1', port: annaPort });
  await anna.until(({ kind }) => kind === 'returned', 'returned');
  anna.news.length = 0;
  anna.watch(bert, { host: '127.0.0.1', port: bertPort });
  await anna.until(changedTo('heard'), 'heard as before');
});

t.test('a blocked event loop is told', async (t) => {
  await using anna = new TestThread([loopback]);
  await using bert = new TestThread([]);
  anna.watch(bert, undefined);
  bert.watch(anna, { host: '127.0.0.1', port: await anna.port() });
  await anna.until(changedTo('heard'), 'heard');
  bert.stopBeating();
  await anna.until((news) => news.kind === 'changed' && news.isLoopStalled, 'stalled');
  t.notOk(anna.news.some(changedTo('silent')), 'and nobody takes it for lost');
});

t.test('strangers get no answer', async (t) => {
  await using anna = new TestThread([loopback]);
  await using bert = new TestThread([]);
  const port = await anna.port();
  anna.watch(bert, undefined);
  const socket = createSocket('udp4');
  t.teardown(() => socket.close());
  let answers = 0;
  socket.on('message', () => {
    answers += 1;
  });
  for (const bytes of [Buffer.alloc(0), Buffer.alloc(pulseBytes), randomBytes(pulseBytes), randomBytes(2000)]) {
    socket.send(bytes, port, '127.0.0.1');
  }
  await sleep(500);
  t.equal(answers, 0);
});
