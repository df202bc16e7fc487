// Claim: what the planner predicts for a context that is full is within 25 % of what is measured: the last tokens, and a prompt
// as long as that, at 512, 4096 and 16,384 positions. Loads a checkpoint with layers of Llama-3.2-1B's shape (random weights)
// on one node, and compares with the plan's own prediction (`fullContext`), from kernels that the node timed. Prints JSON:
// {"name", "short", "ratios": {"4096: a token, predicted/measured"}, "contexts"}. Few layers, so that a long prompt ends;
// they all cost the same. `--storage q4_0`, `--layers 2`, `--contexts 512,4096,16384`, `--checkpoint FOLDER` (kept for the
// next run), `--patience 30`: seconds to wait for others to be quiet; `--short`: 512 and 1024 only.
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';
import { undisturbed, untilQuiet } from './support/quiet.mjs';
import { generate } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0' },
    layers: { type: 'string', default: '2' },
    contexts: { type: 'string', default: '512,4096,16384' },
    patience: { type: 'string', default: '30' },
    checkpoint: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const contexts = options.short ? [512, 1024] : options.contexts.split(',').map(Number);
const tokens = 16;
const mostLoad = 0.06;
const seconds = options.short ? 1 : Number(options.patience);
const results = { ratios: {}, contexts: {}, notes: [] };

await withCheckpoint(
  engineBenchBinary(),
  Number(options.layers),
  async (checkpoint) => {
    const cluster = await startLocalNodes(1);
    await untilQuiet(mostLoad, seconds);
    for (const contextLength of contexts) {
      const loading = {
        storage: { matrix: options.storage, embedding: options.storage },
        contextLength,
        slotCount: 1,
      };
      await cluster.explain(checkpoint, loading);
      const { outcome } = await cluster.explain(checkpoint, loading);
      const { predicted, reasons } = outcome.plan;
      results.notes.push(...reasons.filter((reason) => reason.includes('counts as')));
      const model = await cluster.load(checkpoint, loading);
      await generate(model, 16, 4);
      const how = { wanted: contextLength > 4096 ? 1 : 3, mostLoad, seconds };
      const { results: runs, mostLoad: load } = await undisturbed(
        () => generate(model, contextLength - tokens, tokens),
        how,
      );
      await model.unload();
      const measured = {
        millisecondsPerToken: round(median(runs.map(({ engine }) => engine.perToken)), 2),
        timeToFirstTokenMilliseconds: round(median(runs.map(({ engine }) => engine.firstToken)), 0),
      };
      const { fullContext, source } = predicted;
      results.contexts[contextLength] = { source, loadByOthers: round(load), predicted: fullContext, measured };
      for (const [figure, name] of [
        ['millisecondsPerToken', 'a token'],
        ['timeToFirstTokenMilliseconds', 'a prompt'],
      ]) {
        results.ratios[`${contextLength}: ${name}, predicted/measured`] = round(fullContext[figure] / measured[figure]);
      }
    }
    results.attention = (await cluster.machines()).flatMap(({ devices }) => devices)[0]?.attention;
    await cluster.close();
  },
  options.checkpoint,
);
const head = { name: 'context-prediction', short: options.short, storage: options.storage, targets: { within: 0.25 } };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
