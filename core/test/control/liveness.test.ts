import { setTimeout as sleep } from 'node:timers/promises';
import type { ShoalError } from '@shoal/core';
import { type ByteChannel, memoryChannelPair } from '@shoal/core/internal/control/byte-channel.js';
import { Liveness } from '@shoal/core/internal/control/liveness.js';
import type { PulseView } from '@shoal/core/internal/control/pulse/pulses.js';
import { RpcConnection } from '@shoal/core/internal/control/rpc.js';
import t from 'tap';

/** A peer whose answers can be held up, and whose pulses say what the test wants. */
function watchedPeer(t: { teardown(handler: () => void): void }): {
  readonly liveness: Liveness;
  readonly cuts: ShoalError[];
  say(view: Partial<PulseView>): void;
  unplug(): void;
} {
  const [near, far] = memoryChannelPair();
  let isPlugged = true;
  const held: ByteChannel = {
    ...far,
    send(bytes) {
      if (isPlugged) far.send(bytes);
    },
  };
  const peer = new RpcConnection(held, { ping: () => ({}) });
  const connection = new RpcConnection(near, {});
  connection.peer = { nodeName: 'bert', nodeId: 'b' };
  let view: PulseView = { state: 'heard', isLoopStalled: false, silenceMilliseconds: 0 };
  const cuts: ShoalError[] = [];
  const liveness = new Liveness({
    connection: () => connection,
    pulse: () => view,
    cut: (error) => cuts.push(error),
  });
  liveness.start();
  t.teardown(() => {
    liveness.stop();
    connection.close();
    peer.close();
  });
  return {
    liveness,
    cuts,
    say(change) {
      view = { ...view, ...change };
      liveness.pulseChanged();
    },
    unplug() {
      isPlugged = false;
    },
  };
}

async function until(condition: () => boolean, what: string): Promise<void> {
  const end = performance.now() + 60_000;
  while (!condition()) {
    if (performance.now() > end) throw new Error(`not in time: ${what}`);
    await sleep(10);
  }
}

t.test('a peer that neither pulses nor answers is cut off by name', async (t) => {
  const { cuts, say, unplug } = watchedPeer(t);
  unplug();
  say({ state: 'suspected' });
  say({ state: 'silent' });
  await until(() => cuts.length === 1, 'cut');
  t.match(cuts, [{ code: 'NODE_LOST', message: /^node bert is unreachable/, details: { nodeId: 'b' } }]);
});

t.test('a peer that answers although its pulses have stopped is kept', async (t) => {
  const { cuts, say, liveness } = watchedPeer(t);
  say({ state: 'suspected' });
  say({ state: 'silent' });
  await sleep(1000);
  t.same(cuts, []);
  t.notOk(liveness.stalled);
});

t.test('a suspicion that is cleared up has no consequence', async (t) => {
  const { cuts, say, unplug } = watchedPeer(t);
  unplug();
  say({ state: 'suspected' });
  say({ state: 'heard' });
  await sleep(1000);
  t.same(cuts, []);
});

t.test('a blocked loop is stalled for as long as its pulses say so', async (t) => {
  const { cuts, say, unplug, liveness } = watchedPeer(t);
  unplug();
  say({ isLoopStalled: true });
  t.ok(liveness.stalled);
  await sleep(500);
  t.ok(liveness.stalled);
  say({ isLoopStalled: false });
  t.notOk(liveness.stalled, 'and the count begins anew');
  t.same(cuts, []);
});

t.test('news that waited while this process did not run is not believed at once', async (t) => {
  const { cuts, say } = watchedPeer(t);
  say({ state: 'suspected' });
  // The peer's answer lies in the queue meanwhile.
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 1500);
  say({ state: 'silent' });
  await sleep(1000);
  t.same(cuts, []);
});
