// Claim: the memory that a plan reserves for a member is within 10 % of what the member takes. Loads a checkpoint of
// Llama-3.2-1B's shape (random weights) under several plans, fills the state of every slot, and compares each member's bytes
// in the plan with what its worker process holds and its node has grown by (anonymous memory, Linux). Prints JSON: {"name",
// "short", "ratios": {"q4_0 pp=2, stage 0: planned/taken"}, "megabytes"}. `--storage q4_0,q8_0,bf16`; `--short`: 4 of the 16
// layers, q4_0.
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { anonymousMegabytes, childrenOf } from './support/memory.mjs';
import { round } from './support/numbers.mjs';
import { generate } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0,q8_0,bf16' },
    shapes: { type: 'string', default: 'pp=1;pp=2;tp=2' },
    layers: { type: 'string', default: String(wholeLayers) },
    context: { type: 'string', default: '1024' },
    checkpoint: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const layers = options.short ? 4 : Number(options.layers);
const storages = options.short ? ['q4_0'] : options.storage.split(',');
const contextLength = Number(options.context);
const slotCount = 2;

if (process.platform !== 'linux') {
  const reason = 'the memory of processes is read from /proc, which only Linux has';
  console.log(JSON.stringify({ name: 'memory-prediction', ratios: {}, unavailable: reason }, null, 2));
  process.exit();
}

const results = { ratios: {}, megabytes: {} };
await withCheckpoint(
  engineBenchBinary(),
  layers,
  async (checkpoint) => {
    for (const storage of storages) {
      for (const shape of options.shapes.split(';')) {
        const cluster = await startLocalNodes(Number(shape.split('=')[1]));
        const idle = new Map(cluster.processes.map(({ nodeId, processId }) => [nodeId, anonymousMegabytes(processId)]));
        const model = await cluster.load(checkpoint, {
          storage: { matrix: storage, embedding: storage },
          contextLength,
          slotCount,
          plan: shape,
        });
        // Fills the state, whose pages become memory when they are used, and the memory of the largest step.
        await Promise.all([generate(model, contextLength - 32, 16), generate(model, contextLength - 33, 16)]);
        for (const [stage, { members }] of model.plan.stages.entries()) {
          for (const [index, { nodeId, weightBytes, stateBytes, workingBytes }] of members.entries()) {
            const { processId } = cluster.processes.find((node) => node.nodeId === nodeId);
            const worker = childrenOf(processId).reduce((sum, child) => sum + anonymousMegabytes(child), 0);
            const grown = Math.max(0, anonymousMegabytes(processId) - idle.get(nodeId));
            const planned = (weightBytes + stateBytes) / 1e6;
            const name = `${storage} ${shape}, stage ${stage}${members.length > 1 ? `, member ${index}` : ''}`;
            results.ratios[`${name}: planned/taken`] = round(planned / (worker + grown));
            const [weights, state, work] = [weightBytes, stateBytes - workingBytes, workingBytes].map((bytes) =>
              round(bytes / 1e6, 1),
            );
            results.megabytes[name] = {
              planned: round(planned, 1),
              weights,
              state,
              work,
              worker: round(worker, 1),
              node: round(grown, 1),
            };
          }
        }
        await cluster.close();
      }
    }
  },
  options.checkpoint,
);
const head = { name: 'memory-prediction', short: options.short, targets: { within: 0.1 } };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
