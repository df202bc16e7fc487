import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { createCluster } from 'shoal';
import t from 'tap';
import { answer, longAnswer, processOf, question, startLocalNodes } from './support/local.js';

const blockMilliseconds = 5000;
const noSignals = process.platform === 'win32' ? 'there are no signals on Windows' : false;

t.test('a host whose event loop is blocked for five seconds stalls no token', async (t) => {
  await using others = await startLocalNodes(1);
  const [other] = others.processes;
  if (!other) return;
  // This process is a node too, and the head's: requests and tokens pass through the loop that will be blocked.
  await using cluster = await createCluster({
    home: t.testdir(),
    name: 'blocked',
    clusterKey: await readFile(join(other.home, 'cluster.key'), 'utf8'),
    peers: other.addresses,
  });
  const left: string[] = [];
  for (const kind of ['node-left', 'node-lost'] as const) others.on(kind, ({ nodeName }) => left.push(nodeName));
  const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  t.equal(model.plan.stages[0]?.members[0]?.nodeName, 'blocked');
  t.equal(model.plan.stages[1]?.members[0]?.nodeName, 'node-1');

  const arrivals: number[] = [];
  let blockedFrom = 0;
  let blockedUntil = 0;
  const started = performance.now();
  const generation = model.chat(question, longAnswer);
  for await (const _part of generation) {
    arrivals.push(performance.now());
    if (arrivals.length !== 20) continue;
    blockedFrom = performance.now();
    Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, blockMilliseconds);
    blockedUntil = performance.now();
  }
  const { usage, timings } = await generation.result;
  t.ok(blockedUntil - blockedFrom >= blockMilliseconds);
  t.equal(usage.generatedTokens, arrivals.filter(Boolean).length);
  // Made while the loop stood still, they all arrive at once when it turns again. On a busy machine "at once" is not so
  // short, and the tokens before the block may have come faster than those during it.
  const burst = arrivals.filter((at) => at > blockedUntil && at < blockedUntil + 500).length;
  const before = 20 / (blockedFrom - started);
  t.comment(`${burst} tokens arrived at once; ${timings.tokensPerSecond?.toFixed(1)} tokens/s overall`);
  t.ok(burst >= Math.min(300, (before * blockMilliseconds) / 8), `${burst} tokens were made during the block`);
  t.ok(burst >= 10);
  t.same(left, [], 'nobody took the blocked node for dead');
});

t.test('a host that is stopped is shown as stalled, while its worker goes on', { skip: noSignals }, async (t) => {
  await using cluster = await startLocalNodes(2);
  const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=2' });
  // The second stage: its host is not asked for tokens, but without its worker there are none.
  const node = processOf(cluster, model, 1);
  const stateOf = async () => (await cluster.nodes()).find(({ nodeId }) => nodeId === node.nodeId)?.state;
  t.equal(await stateOf(), 'connected');
  process.kill(node.processId, 'SIGSTOP');
  try {
    const end = performance.now() + 60_000;
    while ((await stateOf()) !== 'stalled' && performance.now() < end) {
      t.equal((await model.chat(question).result).text, answer);
      await sleep(250);
    }
    t.equal(await stateOf(), 'stalled');
    t.equal((await model.chat(question).result).text, answer, 'answers still come');
  } finally {
    process.kill(node.processId, 'SIGCONT');
  }
  const end = performance.now() + 60_000;
  while ((await stateOf()) !== 'connected' && performance.now() < end) await sleep(50);
  t.equal(await stateOf(), 'connected');
  t.equal((await model.chat(question).result).text, answer);
});
