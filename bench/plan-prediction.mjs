// Claim: what the planner predicts for a token is within 25 % of what is measured. Loads a checkpoint of Llama-3.2-1B's shape
// (random weights) as pipelines of 1, 2 and 3 stages and as 2 tensor members on node processes of this machine, which share
// its cores and its memory, and compares with the plan's own prediction, which was made before: from kernels that the nodes
// timed, and from measured links. Prints JSON: {"name", "short", "ratios": {"pp=2: predicted/measured"}, "plans"}, and the
// same relative to one device (`relative`), where what the machine does besides matters less. `--storage q4_0`,
// `--rounds 5`, `--shapes 'pp=1;pp=2'`, `--checkpoint FOLDER` (kept for the next run); `--short`: 6 of the 16 layers.
import { setTimeout } from 'node:timers/promises';
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';
import { generate } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0' },
    rounds: { type: 'string', default: '5' },
    shapes: { type: 'string', default: 'pp=1;pp=2;pp=3;tp=2' },
    checkpoint: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const layers = options.short ? 6 : wholeLayers;
const rounds = options.short ? 1 : Number(options.rounds);
const shapes = options.shapes.split(';');
const loading = {
  storage: { matrix: options.storage, embedding: options.storage },
  contextLength: 1024,
  slotCount: 1,
};
const settleMilliseconds = 10_000;
const notes = [];
const promptTokens = 256;
const tokens = options.short ? 16 : 32;

await withCheckpoint(
  engineBenchBinary(),
  layers,
  async (checkpoint) => {
    const cluster = await startLocalNodes(3);
    // The first plan lets the nodes time their kernels.
    await cluster.explain(checkpoint, loading);
    const measured = new Map(shapes.map((shape) => [shape, { perToken: [], firstToken: [] }]));
    // Before anything runs: to each node, what the others of this machine compute would be the work of strangers.
    await setTimeout(settleMilliseconds);
    const predicted = new Map();
    for (const shape of shapes) {
      const { outcome } = await cluster.explain(checkpoint, { ...loading, plan: shape });
      predicted.set(shape, outcome.plan.predicted);
      notes.push(...outcome.plan.reasons.filter((reason) => reason.includes('counts as')));
    }
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const shape of turn % 2 === 0 ? shapes : shapes.toReversed()) {
        const model = await cluster.load(checkpoint, { ...loading, plan: shape });
        await generate(model, 16, 4);
        const { engine } = await generate(model, promptTokens, tokens);
        measured.get(shape).perToken.push(engine.perToken);
        measured.get(shape).firstToken.push(engine.firstToken);
        await model.unload();
      }
    }
    await cluster.close();
    const plans = Object.fromEntries(
      shapes.map((shape) => {
        const { millisecondsPerToken, prefillTokensPerSecond, source } = predicted.get(shape);
        const perToken = median(measured.get(shape).perToken);
        const prefill = (promptTokens / median(measured.get(shape).firstToken)) * 1000;
        return [
          shape,
          {
            source,
            millisecondsPerToken: { predicted: millisecondsPerToken, measured: round(perToken, 2) },
            prefillTokensPerSecond: { predicted: prefillTokensPerSecond, measured: round(prefill, 1) },
          },
        ];
      }),
    );
    const ratioOf = (shape, figure) => plans[shape][figure].predicted / plans[shape][figure].measured;
    const ratios = {};
    const relative = {};
    const prefill = {};
    for (const shape of shapes) {
      ratios[`${shape}: predicted/measured`] = round(ratioOf(shape, 'millisecondsPerToken'));
      prefill[`${shape}: predicted/measured`] = round(ratioOf(shape, 'prefillTokensPerSecond'));
      const toOne = ratioOf(shape, 'millisecondsPerToken') / ratioOf('pp=1', 'millisecondsPerToken');
      if (shape !== 'pp=1') relative[`${shape}/pp=1: predicted/measured`] = round(toOne);
    }
    const head = { name: 'plan-prediction', short: options.short, storage: options.storage, rounds };
    const targets = { within: 0.25 };
    console.log(
      JSON.stringify(
        { ...head, targets, notes: [...new Set(notes)], ratios, relative, prefill, plans, machine: machineFacts() },
        null,
        2,
      ),
    );
  },
  options.checkpoint,
);
process.exit();
