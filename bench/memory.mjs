// Claim: beyond the weights that it holds, a node with its worker keeps at most 250 MB and its share of the state in
// anonymous memory. Loads a checkpoint of Llama-3.2-1B's shape (random weights) on a node process of its own in each storage
// type, generates, and reads both processes' memory from the system (Linux). The weights count as stored, each once. Prints
// JSON: {"name", "short", "ratios": {"q4_0: expected/anonymous"}, "megabytes"}. `--storage q4_0,q8_0,bf16`; `--short`: 4 of
// the 16 layers, q4_0.
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { anonymousMegabytes, childrenOf } from './support/memory.mjs';
import { round } from './support/numbers.mjs';
import { generate } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: { storage: { type: 'string', default: 'q4_0,q8_0,bf16' }, short: { type: 'boolean', default: false } },
});
const layers = options.short ? 4 : wholeLayers;
const storages = options.short ? ['q4_0'] : options.storage.split(',');
const allowedMegabytes = 250;
const contextLength = 1024;
/** Keys and values of 8 heads of 64 numbers in F16. */
const stateBytesPerTokenAndLayer = 2 * 8 * 64 * 2;

if (process.platform !== 'linux') {
  const reason = 'the memory of processes is read from /proc, which only Linux has';
  console.log(JSON.stringify({ name: 'memory', ratios: {}, unavailable: reason }, null, 2));
  process.exit();
}

const binary = engineBenchBinary();
const results = { ratios: {}, megabytes: {} };
await withCheckpoint(binary, layers, async (checkpoint) => {
  for (const storage of storages) {
    const cluster = await startLocalNodes(1);
    const [{ processId }] = cluster.processes;
    const idle = anonymousMegabytes(processId);
    const model = await cluster.load(checkpoint, {
      storage: { matrix: storage, embedding: storage },
      contextLength,
      slotCount: 1,
    });
    // Fills the state, whose pages become memory when they are used, and the memory of the largest step.
    await generate(model, contextLength - 32, 16);
    const node = anonymousMegabytes(processId);
    const worker = childrenOf(processId).reduce((sum, child) => sum + anonymousMegabytes(child), 0);
    const weights = model.plan.stages[0].members[0].weightBytes / 1e6;
    const state = (contextLength * layers * stateBytesPerTokenAndLayer) / 1e6;
    await cluster.close();
    const beyond = node + worker - weights - state;
    const megabytes = { idleNode: idle, node, worker, weights, state, beyondWeightsAndState: beyond };
    results.megabytes[storage] = Object.fromEntries(
      Object.entries(megabytes).map(([name, value]) => [name, round(value, 1)]),
    );
    results.ratios[`${storage}: expected/anonymous`] = round((weights + state + allowedMegabytes) / (node + worker));
  }
});
const head = { name: 'memory', short: options.short, targets: { beyondWeightsAndState: allowedMegabytes } };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
