// Claim: through the SDK, two pipeline processes decode at ≥ 0.97 of one, and two tensor processes share the work. Two nodes
// of this machine hold a checkpoint of Llama-3.2-1B's shape (random weights) whole, as two stages, and as two members of a
// stage, one thread a process, and take turns. Prints JSON: {"name", "short", "ratios": {"q4_0: pipeline-2/whole, decode",
// …}, "ratiosOfLoads", "tokensPerSecond", "readGigabytesPerSecond", "machine"}. `--storage q4_0,q8_0,bf16`, `--rounds 7`,
// `--tokens 32`; `--plans pipeline-2,tensor-2`; `--checkpoint DIRECTORY`: of this shape, instead of one written for the run;
// `--short`: 4 of the 16 layers.
//
// `--asker node`: the program that asks is one of the nodes, as an application that makes a cluster is, and the head's;
// `client`: it asks over the network, in a third process, which costs about 1 ms of JavaScript a token more.
// `--threads 1`: of a process. `--loads 3`: so many times the nodes start and load anew, and ratios are medians over the
// loads: the same plan differs by some hundredths from load to load, and stays so, perhaps by where its weights came to lie
// in memory.
// `--processor N` (Linux): everything runs on that one processor, where nothing gets into the way of a stage that does not
// get into the way of the whole model, too (bench/README.md).
import { spawnSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { parseArgs } from 'node:util';
import { startLocalNodes } from 'shoal';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary, startEngineBench } from './support/engine-bench.mjs';
import { Bandwidth, machineFacts } from './support/machine.mjs';
import { median, round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, pluginsFor, startNodePair } from './support/sdk.mjs';

const { values: options } = parseArgs({
  options: {
    storage: { type: 'string', default: 'q4_0' },
    rounds: { type: 'string', default: '7' },
    tokens: { type: 'string', default: '32' },
    plans: { type: 'string' },
    loads: { type: 'string', default: '1' },
    asker: { type: 'string', default: 'node' },
    threads: { type: 'string', default: '1' },
    processor: { type: 'string' },
    checkpoint: { type: 'string' },
    short: { type: 'boolean', default: false },
  },
});
if (options.processor !== undefined) startAgainOn(options.processor);
const rounds = Number(options.rounds);
const loads = Number(options.loads);
const tokens = Number(options.tokens);
const layers = options.short ? 4 : wholeLayers;
const splits = { 'pipeline-2': 'pp=2', 'tensor-2': 'tp=2' };
const plans = { whole: 'pp=1' };
// Two members of one stage compute at the same time: on one processor there is nothing to learn from them.
const onOneProcessor = process.env.SHOAL_BENCH_PROCESSOR;
for (const name of (options.plans ?? (onOneProcessor ? 'pipeline-2' : 'pipeline-2,tensor-2')).split(',')) {
  if (!(name in splits)) throw new Error(`--plans ${name}: known are ${Object.keys(splits).join(', ')}`);
  plans[name] = splits[name];
}
const [decodePrompt, prefillPrompt] = [8, 128];
const threads = Number(options.threads);
const askers = {
  node: () => startNodePair(threads),
  async client() {
    const cluster = await startLocalNodes(2, { pluginManifest });
    return { cluster, close: () => cluster.close() };
  },
};
const start = askers[options.asker];
if (!start) throw new Error(`--asker ${options.asker}: known are ${Object.keys(askers).join(', ')}`);

const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-splits-'));
const pluginManifest = join(folder, 'plugins.json');
writeFileSync(pluginManifest, JSON.stringify({ plugins: pluginsFor(threads) }));

/** Runs this benchmark on one processor, where all that it starts stays, and ends as that run does. */
function startAgainOn(processor) {
  if (process.platform !== 'linux') throw new Error('--processor needs taskset, which Linux has');
  const words = process.argv.slice(2);
  const at = words.findIndex((word) => word === '--processor' || word.startsWith('--processor='));
  words.splice(at, words[at] === '--processor' ? 2 : 1);
  const { status, error } = spawnSync('taskset', ['-c', processor, process.execPath, process.argv[1], ...words], {
    stdio: 'inherit',
    env: { ...process.env, SHOAL_BENCH_PROCESSOR: processor },
  });
  if (error) throw new Error(`taskset (of util-linux) did not start: ${error.message}`);
  process.exit(status ?? 1);
}

/** Loads the checkpoint under every plan into two new nodes; per plan the times of a token and of a prompt. */
async function measureLoad(checkpoint, storage, load, bandwidth) {
  const { cluster, close } = await start();
  const names = Object.keys(plans);
  const models = {};
  for (const name of load % 2 === 0 ? names : [...names].reverse()) {
    models[name] = await cluster.load(checkpoint, {
      plan: plans[name],
      storage: { matrix: storage, embedding: storage },
    });
  }
  const series = Object.fromEntries(names.map((name) => [name, [new Series(), new Series()]]));
  const measure = async (name) => {
    const { perToken } = await generate(models[name], decodePrompt, tokens);
    const { firstToken } = await generate(models[name], prefillPrompt, 1);
    return [perToken, firstToken];
  };
  for (const name of names) await measure(name);
  await takeTurns(rounds, names, async (name) => {
    if (name === 'whole') await bandwidth.measure(onOneProcessor ? [1] : [1, 2]);
    (await measure(name)).forEach((value, index) => {
      series[name][index].add(value);
    });
  });
  await close();
  return series;
}

/** What all loads of one storage type say, into `results`. */
function conclude(storage, measured) {
  for (const name of Object.keys(plans)) {
    const speed = (index, count) =>
      round(median(measured.map((series) => (count * 1000) / series[name][index].median)), 1);
    results.tokensPerSecond[`${storage}: ${name}`] = { decode: speed(0, 1), prefill: speed(1, prefillPrompt) };
    if (name === 'whole') continue;
    for (const [index, kind] of ['decode', 'prefill'].entries()) {
      const ratios = measured.map((series) => speedRatio(series[name][index], series.whole[index]));
      results.ratios[`${storage}: ${name}/whole, ${kind}`] = round(median(ratios));
      results.ratiosOfLoads[`${storage}: ${name}/whole, ${kind}`] = ratios;
    }
  }
}

const binary = engineBenchBinary();
const results = { ratios: {}, ratiosOfLoads: {}, tokensPerSecond: {} };
const withModel = (use) => (options.checkpoint ? use(options.checkpoint) : withCheckpoint(binary, layers, use));
await withModel(async (checkpoint) => {
  const meter = await startEngineBench({ binary, checkpoint, storages: ['q4_0'], scenarios: ['whole-1'], layers });
  const bandwidth = new Bandwidth(meter);
  for (const storage of options.storage.split(',')) {
    const measured = [];
    for (let load = 0; load < loads; load += 1) {
      measured.push(await measureLoad(checkpoint, storage, load, bandwidth));
      conclude(storage, measured);
      process.stderr.write(`${storage}, ${load + 1} of ${loads} loads: ${JSON.stringify(results.ratiosOfLoads)}\n`);
    }
  }
  await meter.close();
  results.readGigabytesPerSecond = bandwidth.summary();
});
rmSync(folder, { recursive: true, force: true });
const head = {
  name: 'sdk-splits',
  short: options.short,
  rounds,
  loads,
  asker: options.asker,
  threadsPerProcess: threads,
  processor: onOneProcessor ?? 'any',
  targets: { 'pipeline-2/whole, decode': 0.97 },
};
console.log(JSON.stringify({ ...head, ...results, machine: machineFacts() }, null, 2));
process.exit();
