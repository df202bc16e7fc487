// Claim: through the SDK, two pipeline processes decode at ≥ 0.97 of one, and two tensor processes share the work. Two local
// node processes hold a checkpoint of Llama-3.2-1B's shape (random weights) whole, as two stages, and as two members of a
// stage, one thread a process, and take turns. Prints JSON: {"name", "short", "ratios": {"q4_0: pipeline-2/whole, decode",
// …}, "tokensPerSecond", "readGigabytesPerSecond", "machine"}. `--storage q4_0,q8_0,bf16`, `--rounds 7`, `--tokens 32`;
// `--plans pipeline-2,tensor-2`; `--checkpoint DIRECTORY`: of this shape, instead of one written for the run; `--short`: 4 of
// the 16 layers.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary, startEngineBench } from './support/engine-bench.mjs';
import { Bandwidth, machineFacts } from './support/machine.mjs';
import { round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, pluginsFor } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0' },
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '32' },
    plans: { type: 'string', default: 'pipeline-2,tensor-2' },
    checkpoint: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
const rounds = Number(options.rounds);
const tokens = Number(options.tokens);
const layers = options.short ? 4 : wholeLayers;
const splits = { 'pipeline-2': 'pp=2', 'tensor-2': 'tp=2' };
const plans = { whole: 'pp=1' };
for (const name of options.plans.split(',')) {
  if (!(name in splits)) throw new Error(`--plans ${name}: known are ${Object.keys(splits).join(', ')}`);
  plans[name] = splits[name];
}
const [decodePrompt, prefillPrompt] = [8, 128];

const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-splits-'));
const pluginManifest = join(folder, 'plugins.json');
writeFileSync(pluginManifest, JSON.stringify({ plugins: pluginsFor(1) }));

const binary = engineBenchBinary();
const results = { ratios: {}, tokensPerSecond: {} };
const withModel = (use) => (options.checkpoint ? use(options.checkpoint) : withCheckpoint(binary, layers, use));
await withModel(async (checkpoint) => {
  const meter = await startEngineBench({ binary, checkpoint, storages: ['q4_0'], scenarios: ['whole-1'], layers });
  const bandwidth = new Bandwidth(meter);
  for (const storage of options.storage.split(',')) {
    const cluster = await startLocalNodes(2, { pluginManifest });
    const models = {};
    for (const [name, plan] of Object.entries(plans)) {
      models[name] = await cluster.load(checkpoint, { plan, storage: { matrix: storage, embedding: storage } });
    }
    const series = Object.fromEntries(Object.keys(plans).map((name) => [name, [new Series(), new Series()]]));
    const measure = async (name) => {
      const { perToken } = await generate(models[name], decodePrompt, tokens);
      const { firstToken } = await generate(models[name], prefillPrompt, 1);
      return [perToken, firstToken];
    };
    for (const name of Object.keys(plans)) await measure(name);
    await takeTurns(rounds, Object.keys(plans), async (name) => {
      if (name === 'whole') await bandwidth.measure();
      (await measure(name)).forEach((value, index) => {
        series[name][index].add(value);
      });
    });
    await cluster.close();
    for (const name of Object.keys(plans)) {
      const [perToken, prompt] = series[name];
      results.tokensPerSecond[`${storage}: ${name}`] = {
        decode: round(1000 / perToken.median, 1),
        prefill: round((prefillPrompt * 1000) / prompt.median, 1),
      };
      if (name === 'whole') continue;
      results.ratios[`${storage}: ${name}/whole, decode`] = speedRatio(perToken, series.whole[0]);
      results.ratios[`${storage}: ${name}/whole, prefill`] = speedRatio(prompt, series.whole[1]);
    }
  }
  await meter.close();
  results.readGigabytesPerSecond = bandwidth.summary();
});
rmSync(folder, { recursive: true, force: true });
const head = { name: 'sdk-splits', short: options.short, rounds, targets: { 'pipeline-2/whole, decode': 0.97 } };
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
