// Every way of splitting gives the same answers as the whole, over real processes: greedy tokens of small random
// checkpoints against transformers, and right answers of the shipped model.
import type { Cluster } from 'shoal';
import t, { type Test } from 'tap';
import { startLocalNodes } from '../../sdk/test/support/local.js';
import { evaluationQuestions, type FixtureCheckpoint, fixtureCheckpoints } from './support/repository.js';

const shapes = ['pp=1', 'pp=2', 'pp=3', 'tp=2', 'tp=3', 'tp=2,pp=2'] as const;

/** Greedy choices are compared only while transformers' own margin is above what F32 sums may differ by. */
const comparableMargin = 1e-3;

async function checkGreedyTokens(t: Test, cluster: Cluster, checkpoint: FixtureCheckpoint, shape: string) {
  await using model = await cluster.load(checkpoint.directory, {
    plan: shape,
    contextLength: 96,
    storage: { matrix: 'f32', embedding: 'f32' },
    stateStorage: 'f32',
  });
  let compared = 0;
  for (const [index, prompt] of checkpoint.prompts.entries()) {
    const { tokens, margins } = prompt.greedy;
    const tie = margins.findIndex((margin) => margin < comparableMargin);
    const length = tie < 0 ? tokens.length : tie;
    if (length === 0) continue;
    const generation = model.generate(prompt.ids, { maximumTokens: length, ignoreEndOfText: true });
    const result = await generation.result;
    t.same(result.tokens, tokens.slice(0, length), `${checkpoint.name}, ${shape}, prompt ${index}: ${length} tokens`);
    compared += length;
  }
  t.ok(compared >= 24, `${checkpoint.name}, ${shape}: ${compared} greedy tokens were comparable`);
}

t.test('split over processes', async (t) => {
  await using cluster = await startLocalNodes(4);
  for (const shape of shapes) {
    await t.test(shape, async (t) => {
      for (const checkpoint of fixtureCheckpoints()) {
        // Every stage needs a layer.
        if (Number(/pp=(\d+)/.exec(shape)?.[1] ?? 1) > checkpoint.layerCount) continue;
        await checkGreedyTokens(t, cluster, checkpoint, shape);
      }
      await using model = await cluster.load('shoal-tiny-chat', { plan: shape });
      const processes = new Set(model.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)));
      const members = model.plan.stages.flatMap(({ members }) => members);
      t.equal(processes.size, members.length, 'every member runs in a process of its own');
      for (const { messages, expected } of evaluationQuestions()) {
        const { text } = await model.chat(messages, { maximumTokens: 96 }).result;
        t.equal(text.trim(), expected, `${messages.at(-1)?.content} → ${expected}`);
      }
    });
  }
});
