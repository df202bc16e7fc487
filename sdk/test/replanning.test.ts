import { mkdtemp, rm } from 'node:fs/promises';
import { availableParallelism, tmpdir } from 'node:os';
import { join } from 'node:path';
import { type MachineSource, systemSource } from '@shoal/core';
import { type ClusterEvent, type ClusterOptions, createCluster } from 'shoal';
import t, { type Test } from 'tap';
import { answer, question } from './support/local.js';

const clusterKey = '5e'.repeat(32);

const system = systemSource();
/** This machine as if it rested: what plans think of it must not depend on the tests that run beside this one. */
const restingMachine: MachineSource = {
  ...system,
  text: async (path) => {
    if (path !== 'proc/stat') return system.text(path);
    return `cpu  0 0 0 ${Math.round((performance.now() / 10) * availableParallelism())} 0 0 0 0\n`;
  },
};

/** A node whose processor has so many threads for a model. */
async function nodeWith(t: Test, threads: number, options: ClusterOptions) {
  const home = await mkdtemp(join(tmpdir(), 'shoal-replanning-'));
  const cluster = await createCluster(
    [
      { module: '@shoal/transport-tcp' },
      { module: '@shoal/engine-native' },
      { module: '@shoal/backend-cpu', options: { threads } },
      { module: '@shoal/sharding-llama' },
    ],
    { ...options, home, clusterKey, machine: restingMachine, identity: 'temporary' },
  );
  t.teardown(async () => {
    await cluster.close();
    await rm(home, { recursive: true, force: true });
  });
  return cluster;
}

/** Everything is a reason: the model is too small for a real one. */
const eager = { minimumGain: 0.02, trustAssumedFigures: true, coolDownSeconds: 0, settleMilliseconds: 100 };

for (const mode of ['move', 'advise'] as const) {
  t.test(`a faster node joins: ${mode}`, async (t) => {
    // One that computes on all cores has none left for telling its tokens, which a model so small feels most.
    const first = await nodeWith(t, availableParallelism(), { name: 'slow', replanning: { ...eager, mode } });
    const model = await first.load('shoal-tiny-chat');
    t.equal(model.plan.stages[0]?.members[0]?.nodeName, 'slow');
    const moved = new Promise<ClusterEvent>((resolve) => first.on('instance-moved', resolve));
    const advised = (async () => {
      for await (const { area, message } of first.logs({ follow: true })) {
        if (area === 'plan' && message.includes('move')) return message;
      }
      return undefined;
    })();
    const second = await nodeWith(t, 1, { name: 'fast', peers: [first.addresses[0] ?? ''] });
    t.match(await advised, /shoal-tiny-chat: move, .* a token instead of .*/);
    if (mode === 'move') t.match(await moved, { instance: model.instance, reason: /a token instead of/ });
    const [instance] = await second.instances();
    t.equal(instance?.plan.stages[0]?.members[0]?.nodeName, mode === 'move' ? 'fast' : 'slow');
    t.equal((await model.chat(question).result).text, answer);
    await model.unload();
    t.same(await second.instances(), []);
  });
}
