// Claim: through the SDK, with its worker process, a model decodes at ≥ 0.97 and reads a prompt of 128 tokens at ≥ 0.95 of
// llama.cpp's speed, on one and on two threads, in q4_0, q8_0 and bf16. Both have the same random weights of
// Llama-3.2-1B's shape and take turns. llama.cpp's times are those of `llama_decode` alone; ours are those between the
// tokens that the program gets. Prints JSON: {"name", "ratios": {"q4_0, 1 thread: decode", …}, "tokensPerSecond", …}.
//
//   bench/engine-vs-llama-cpp/set-up.sh /tmp/llama-cpp     # once; builds the peer from source
//   node bench/sdk-vs-llama-cpp.mjs --python /tmp/llama-cpp/bin/python [--storage q4_0,q8_0,bf16] [--threads 1,2]
//                                   [--rounds 7] [--tokens 32] [--short]
//
// Not part of CI, which has no peer. `--short` keeps 4 of the 16 layers.
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { root } from '../scripts/tools.mjs';
import { promptOf, wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary, LineProcess, startEngineBench } from './support/engine-bench.mjs';
import { Bandwidth, machineFacts } from './support/machine.mjs';
import { round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, startNode } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    python: { type: 'string', default: 'python3' },
    storage: { type: 'string', default: 'q4_0,q8_0,bf16' },
    threads: { type: 'string', default: '1,2' },
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '32' },
    short: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const tokens = Number(options.tokens);
const layers = options.short ? 4 : wholeLayers;
const [decodePrompt, prefillPrompt] = [8, 128];

/** Milliseconds a token of decoding, and milliseconds of a 128-token prompt. */
async function measureSdk(model) {
  const { perToken } = await generate(model, decodePrompt, tokens);
  const { firstToken } = await generate(model, prefillPrompt, 1);
  return [perToken, firstToken];
}

async function measurePeer(peer, threads) {
  const decode = await peer.ask({ threads, prompt: promptOf(decodePrompt), tokens });
  const prefill = await peer.ask({ threads, prompt: promptOf(prefillPrompt), tokens: 1 });
  const gaps = decode.token_microseconds;
  return [gaps.reduce((sum, value) => sum + value, 0) / gaps.length / 1000, prefill.prefill_microseconds / 1000];
}

const binary = engineBenchBinary();
const results = { ratios: {}, tokensPerSecond: {} };
await withCheckpoint(binary, layers, async (checkpoint) => {
  const meter = await startEngineBench({ binary, checkpoint, storages: ['q4_0'], scenarios: ['whole-1'], layers });
  const bandwidth = new Bandwidth(meter);
  for (const storage of options.storage.split(',')) {
    const script = join(root, 'bench', 'engine-vs-llama-cpp', 'serve.py');
    const peer = new LineProcess(options.python, [script, checkpoint, storage]);
    await peer.read();
    for (const threads of options.threads.split(',').map(Number)) {
      const node = await startNode(threads);
      const model = await node.cluster.load(checkpoint, { storage: { matrix: storage, embedding: storage } });
      const measure = { sdk: () => measureSdk(model), 'llama.cpp': () => measurePeer(peer, threads) };
      const series = Object.fromEntries(Object.keys(measure).map((name) => [name, [new Series(), new Series()]]));
      for (const name of Object.keys(measure)) await measure[name]();
      await takeTurns(rounds, Object.keys(measure), async (name) => {
        if (name === 'sdk') await bandwidth.measure([threads]);
        const found = await measure[name]();
        found.forEach((value, index) => {
          series[name][index].add(value);
        });
      });
      await node.close();
      const key = `${storage}, ${threads} thread${threads === 1 ? '' : 's'}`;
      const { sdk, 'llama.cpp': other } = series;
      results.ratios[`${key}: decode`] = speedRatio(sdk[0], other[0]);
      results.ratios[`${key}: prefill`] = speedRatio(sdk[1], other[1]);
      const speeds = ([perToken, prompt]) => ({
        decode: round(1000 / perToken.median, 1),
        prefill: round((prefillPrompt * 1000) / prompt.median, 1),
      });
      results.tokensPerSecond[key] = { sdk: speeds(sdk), 'llama.cpp': speeds(other) };
      process.stderr.write(`${key}: ${JSON.stringify(results.tokensPerSecond[key])}\n`);
    }
    await peer.close();
  }
  await meter.close();
  results.readGigabytesPerSecond = bandwidth.summary();
});
const head = { name: 'sdk-vs-llama-cpp', short: options.short, rounds, targets: { decode: 0.97, prefill: 0.95 } };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
