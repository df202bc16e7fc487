// Claim: a prequantized checkpoint of 700 MB loads from a warm file cache within 3 s. Writes a checkpoint of Llama-3.2-1B's
// shape (random weights) as q4_0 with `quantizeModel`, then loads it, and the BF16 original that is quantized while it
// loads, in turns on one node: from the call of `load` until the model is ready to answer. Prints JSON: {"name", "short",
// "ratios": {"quantizing/prequantized, load", "reading/prequantized, load"}, "milliseconds"}; `reading` is one thread that
// reads the prequantized file once. `--rounds 5`; `--short`: 4 of the 16 layers.
import { closeSync, fstatSync, openSync, readSync } from 'node:fs';
import { availableParallelism } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { quantizeModel } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { startNode } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: { rounds: { type: 'string', default: '5' }, short: { type: 'boolean', default: false } },
});
const rounds = Number(options.rounds);
const layers = options.short ? 4 : wholeLayers;
const storage = { matrix: 'q4_0', embedding: 'q4_0' };

/** Reads a file to its end and returns its bytes. */
function readThrough(file) {
  const descriptor = openSync(file, 'r');
  const buffer = Buffer.allocUnsafe(8 << 20);
  let count = 0;
  do count = readSync(descriptor, buffer);
  while (count > 0);
  const { size } = fstatSync(descriptor);
  closeSync(descriptor);
  return size;
}

const binary = engineBenchBinary();
const series = { prequantized: new Series(), quantizing: new Series(), reading: new Series() };
let fileBytes = 0;
await withCheckpoint(binary, layers, async (checkpoint) => {
  const prequantized = join(checkpoint, 'q4_0');
  await quantizeModel(checkpoint, prequantized, { storage });
  const file = join(prequantized, 'model.safetensors');
  const node = await startNode(availableParallelism());
  /** Milliseconds until the model of a folder is ready. */
  const load = async (folder) => {
    const started = performance.now();
    const model = await node.cluster.load(folder, { storage });
    const elapsed = performance.now() - started;
    await model.unload();
    return elapsed;
  };
  const measure = {
    prequantized: () => load(prequantized),
    quantizing: () => load(checkpoint),
    reading() {
      const started = performance.now();
      readThrough(file);
      return performance.now() - started;
    },
  };
  // Describes both models and fills the file cache.
  await load(prequantized);
  await load(checkpoint);
  fileBytes = readThrough(file);
  await takeTurns(rounds, Object.keys(measure), async (name) => series[name].add(await measure[name]()));
  await node.close();
});
const milliseconds = Object.fromEntries(Object.entries(series).map(([name, one]) => [name, one.summary(0)]));
console.log(
  JSON.stringify(
    {
      name: 'load',
      short: options.short,
      rounds,
      ratios: {
        'quantizing/prequantized, load': speedRatio(series.prequantized, series.quantizing),
        'reading/prequantized, load': speedRatio(series.prequantized, series.reading),
      },
      targets: { prequantizedMilliseconds: 3000 },
      fileMegabytes: round(fileBytes / 1e6, 1),
      milliseconds,
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();
