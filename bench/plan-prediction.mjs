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
import { undisturbed, untilQuiet } from './support/quiet.mjs';
import { generate } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0' },
    rounds: { type: 'string', default: '5' },
    shapes: { type: 'string', default: 'pp=1;pp=2;pp=3;tp=2' },
    patience: { type: 'string', default: '60' },
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
/** What plans are predicted for with this context. */
const promptTokens = 512;
const tokens = options.short ? 16 : 32;
/** Share of the processors that others may have. A node plans for what they take, so that it must be seen to be none. */
const mostLoad = 0.06;
const patienceSeconds = options.short ? 5 : Number(options.patience);
/** Nodes look at their machine's load over half a minute. */
const mostPlans = options.short ? 1 : 15;
const notes = [];

const derated = ({ outcome }) => outcome.plan.reasons.filter((reason) => reason.includes('counts as'));

/** Measured when nobody disturbs; a plan made while others keep the machine busy is made again. */
async function undisturbedPlan(cluster, checkpoint, shape) {
  for (let tries = 1; ; tries += 1) {
    const explained = await cluster.explain(checkpoint, { ...loading, plan: shape });
    if (derated(explained).length === 0 || tries >= mostPlans) return explained;
    await setTimeout(2000);
  }
}

await withCheckpoint(
  engineBenchBinary(),
  layers,
  async (checkpoint) => {
    const cluster = await startLocalNodes(3);
    await untilQuiet(mostLoad, patienceSeconds);
    // The first plan lets the nodes time their kernels.
    await cluster.explain(checkpoint, loading);
    const measured = new Map(shapes.map((shape) => [shape, { perToken: [], firstToken: [], load: 0 }]));
    const predicted = new Map();
    for (const shape of shapes) {
      const explained = await undisturbedPlan(cluster, checkpoint, shape);
      predicted.set(shape, explained.outcome.plan.predicted);
      notes.push(...derated(explained));
    }
    const devices = (await cluster.machines()).flatMap((machine) => machine.devices);
    const { rates, operationOverheadMicroseconds } = devices.find((device) => device.rates?.length > 0) ?? {};
    for (let turn = 0; turn < rounds; turn += 1) {
      for (const shape of turn % 2 === 0 ? shapes : shapes.toReversed()) {
        const model = await cluster.load(checkpoint, { ...loading, plan: shape });
        await generate(model, 16, 4);
        const work = () => generate(model, promptTokens, tokens);
        const how = { wanted: options.short ? 1 : 2, mostLoad, seconds: patienceSeconds };
        const { results, mostLoad: load } = await undisturbed(work, how);
        const of = measured.get(shape);
        of.load = Math.max(of.load, load);
        for (const { engine } of results) {
          of.perToken.push(engine.perToken);
          of.firstToken.push(engine.firstToken);
        }
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
            loadByOthers: round(measured.get(shape).load),
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
        {
          ...head,
          targets,
          notes: [...new Set(notes)],
          ratios,
          relative,
          prefill,
          plans,
          rates,
          operationOverheadMicroseconds,
          machine: machineFacts(),
        },
        null,
        2,
      ),
    );
  },
  options.checkpoint,
);
process.exit();
