// Requests beside each other: what they share, and what they must not change for one another.
import { setTimeout } from 'node:timers/promises';
import { attach } from 'shoal';
import t from 'tap';
import { answer, endlessAnswer, endlessContext, question, startLocalNodes } from './support/local.js';

t.test('requests beside each other', async (t) => {
  await using cluster = await startLocalNodes(1);

  await t.test('the same seed gives the same text, alone or beside others', async (t) => {
    // In F32 ggml's kernels for one row and for several agree closely enough; docs/sampling.md says where they do not.
    const storage = { matrix: 'f32', embedding: 'f32' } as const;
    const exact = await cluster.load('shoal-tiny-chat', { plan: 'pp=1', slotCount: 3, storage, stateStorage: 'f32' });
    const sampled = (seed: number) => ({ temperature: 4, seed, maximumTokens: 8, ignoreEndOfText: true });
    const seeds = [1, 2, 3];
    const together = await Promise.all(seeds.map((seed) => exact.chat(question, sampled(seed)).result));
    t.equal(new Set(together.map(({ text }) => text)).size, seeds.length);
    for (const [index, seed] of seeds.entries()) {
      t.same((await exact.chat(question, sampled(seed)).result).tokens, together[index]?.tokens);
    }
    await exact.unload();
  });

  await t.test('a caller that goes away leaves its slots and places in the queue to others', async (t) => {
    const narrow = await cluster.load('shoal-tiny-chat', {
      plan: 'pp=1',
      slotCount: 1,
      queueCapacity: 7,
      ...endlessContext,
    });
    const attached = await attach({ home: cluster.processes[0]?.home });
    const remote = await attached.model(narrow.instance);
    const generation = remote.chat(question, { ...endlessAnswer, choices: 8 });
    await generation[Symbol.asyncIterator]().next();
    await t.rejects(narrow.chat(question).result, { code: 'REQUEST_QUEUE_FULL' });
    await attached.close();
    await t.rejects(generation.result);
    const patience = performance.now() + 60_000;
    let text: string | undefined;
    while (text === undefined && performance.now() < patience) {
      text = await narrow.chat(question).result.then(
        (result) => result.text,
        () => setTimeout(20, undefined),
      );
    }
    t.equal(text, answer);
    const [member] = await narrow.statistics();
    t.ok((member?.statistics.steps ?? 0) < 8 * endlessAnswer.maximumTokens, 'what nobody hears was not computed');
  });
});
