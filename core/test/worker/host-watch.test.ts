import { setTimeout as sleep } from 'node:timers/promises';
import { HostWatch } from '@shoal/core/internal/worker/host-watch.js';
import { hostHeartbeatMilliseconds } from '@shoal/core/internal/worker/worker-protocol.js';
import t from 'tap';

/** Waits until the watch has said so often something, as machines under load are late. */
async function changes(seen: readonly boolean[], count: number): Promise<void> {
  const end = performance.now() + 30_000;
  while (seen.length < count && performance.now() < end) await sleep(20);
}

t.test('a host that falls silent is stalled until it is heard again', async (t) => {
  const seen: boolean[] = [];
  const watch = new HostWatch((stalled) => seen.push(stalled));
  t.teardown(() => watch.close());
  const started = performance.now();
  const heartbeat = setInterval(() => watch.heard(), hostHeartbeatMilliseconds);
  await sleep(8 * hostHeartbeatMilliseconds);
  clearInterval(heartbeat);
  t.same(seen, [], 'heartbeats keep it from being stalled');
  await changes(seen, 1);
  t.same(seen, [true]);
  t.ok(performance.now() - started > 8 * hostHeartbeatMilliseconds + 1000, 'a short pause is no stall');
  await sleep(2 * hostHeartbeatMilliseconds);
  t.same(seen, [true], 'it is said once');
  watch.heard();
  t.same(seen, [true, false]);
});

t.test('a watch whose own process stood still does not blame the host', async (t) => {
  const seen: boolean[] = [];
  const watch = new HostWatch((stalled) => seen.push(stalled));
  t.teardown(() => watch.close());
  watch.heard();
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, 3000);
  await sleep(hostHeartbeatMilliseconds);
  t.same(seen, []);
});
