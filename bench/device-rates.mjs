// Claim: what a node measures of its processor (`measureDevices`, docs/machines.md) agrees with what models reach. One node
// runs a checkpoint of Llama-3.2-1B's shape (random weights); decoding, and reading a prompt, take turns with measuring.
// Bytes of the matrices over the time of a token against the measured decode rate, operations of the matrices over the time
// of a prompt against the measured prefill rate: below 1, because a model has attention, norms and a head for one row beside
// its matrices. Prints JSON: {"name", "short", "ratios": {"q4_0, 1 thread: decode, model/measured", …}, "measured",
// "reached", "loadByOthers", "machine"}. `--storage bf16,q8_0,q4_0`, `--threads 1,2`, `--rounds 5`, `--tokens 24`; `--short`:
// 4 of the 16 layers. Measuring here takes figures from a busy machine, too: the two sides suffer alike.
import { availableParallelism, cpus } from 'node:os';
import { parseArgs } from 'node:util';
import { measureGgmlDevice } from '@shoal/engine-node';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, startNode } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'bf16,q8_0,q4_0' },
    threads: { type: 'string', default: `1,${Math.min(2, availableParallelism())}` },
    rounds: { type: 'string', default: '5' },
    tokens: { type: 'string', default: '24' },
    short: { type: 'boolean', default: false },
  },
});
const layers = options.short ? 4 : wholeLayers;
const [decodePrompt, prefillPrompt] = [8, 128];
const weightBytes = 96 * 2 ** 20;

/** Elements of the matrices that a step multiplies with: all layers, and the head, which is the embedding, too. */
const layerElements = 2048 * (2048 + 512 + 512 + 2048) + 3 * 2048 * 8192;
const headElements = 128_256 * 2048;
const bytesPerElement = { f32: 4, f16: 2, bf16: 2, q8_0: 34 / 32, q4_0: 18 / 32, q4_k: 144 / 256, q6_k: 210 / 256 };

function processorTimes() {
  const times = cpus().map((cpu) => cpu.times);
  const idle = times.reduce((sum, one) => sum + one.idle, 0);
  return { idle, total: times.reduce((sum, one) => sum + Object.values(one).reduce((a, b) => a + b, 0), 0) };
}

const results = { ratios: {}, measured: {}, reached: {}, loadByOthers: {} };
await withCheckpoint(engineBenchBinary(), layers, async (checkpoint) => {
  for (const storage of options.storage.split(',')) {
    for (const threads of options.threads.split(',').map(Number)) {
      const node = await startNode(threads);
      const model = await node.cluster.load(checkpoint, { storage: { matrix: storage, embedding: storage } });
      const decodeBytes = (layers * layerElements + headElements) * bytesPerElement[storage];
      // The head is computed for one row of a prompt only.
      const prefillOperations = 2 * (layers * layerElements * prefillPrompt + headElements);
      // Seconds for a byte, and for an operation: ratios are those of speeds.
      const series = {
        model: { decode: new Series(), prefill: new Series() },
        measured: { decode: new Series(), prefill: new Series() },
      };
      const sides = {
        async model() {
          const { engine } = await generate(model, decodePrompt, Number(options.tokens));
          const prompt = await generate(model, prefillPrompt, 1);
          return [engine.perToken / 1000 / decodeBytes, prompt.engine.firstToken / 1000 / prefillOperations];
        },
        async measured() {
          const { rates } = await measureGgmlDevice({
            device: { device: 'CPU', threads },
            storageTypes: [storage],
            weightBytes,
            durationMilliseconds: 80,
          });
          return [1 / rates[0].decodeBytesPerSecond, 1 / rates[0].prefillOperationsPerSecond];
        },
      };
      for (const side of Object.values(sides)) await side();
      const before = processorTimes();
      const own = process.cpuUsage();
      await takeTurns(Number(options.rounds), Object.keys(sides), async (name) => {
        const [decode, prefill] = await sides[name]();
        series[name].decode.add(decode);
        series[name].prefill.add(prefill);
      });
      const after = processorTimes();
      const key = `${storage}, ${threads} thread${threads === 1 ? '' : 's'}`;
      const busy = 1 - (after.idle - before.idle) / (after.total - before.total);
      const used = process.cpuUsage(own);
      // The worker's own time is in there, too: a quiet machine shows how much that is.
      results.loadByOthers[key] = { busy: round(busy), ownMilliseconds: round((used.user + used.system) / 1000, 0) };
      for (const kind of ['decode', 'prefill']) {
        results.ratios[`${key}: ${kind}, model/measured`] = speedRatio(series.model[kind], series.measured[kind]);
      }
      for (const side of Object.keys(sides)) {
        const { decode, prefill } = series[side];
        results[side === 'model' ? 'reached' : 'measured'][key] = {
          decodeGigabytesPerSecond: round(1 / decode.median / 1e9, 1),
          prefillGigaoperationsPerSecond: round(1 / prefill.median / 1e9, 0),
        };
      }
      await node.close();
    }
  }
});
const head = { name: 'device-rates', short: options.short, rounds: Number(options.rounds) };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
