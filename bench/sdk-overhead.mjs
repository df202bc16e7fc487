// Claim: the SDK costs at most 1 % a token and 3 ms to the first token over the headless engine. Loads one checkpoint of
// Llama-3.2-1B's shape (random weights, q4_0, one thread) twice: in the engine's own benchmark, where there is no
// JavaScript, and through `createCluster` with its worker process. They take turns on a short prompt. Prints JSON:
// {"name", "short", "ratios": {"sdk/headless, decode", …}, "milliseconds", "added", "readGigabytesPerSecond", "machine"}.
// `--short` keeps 2 of the 16 layers, so that the parts weigh eight times as much.
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary, startEngineBench } from './support/engine-bench.mjs';
import { Bandwidth, machineFacts } from './support/machine.mjs';
import { median, round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, startNode } from './support/sdk.mjs';

const short = process.argv.includes('--short');
const layers = short ? 2 : wholeLayers;
const rounds = short ? 7 : 21;
const tokens = short ? 48 : 32;
const prompt = 8;
const storage = 'q4_0';

const binary = engineBenchBinary();
const series = { headless: [new Series(), new Series()], sdk: [new Series(), new Series()] };

const bandwidth = await withCheckpoint(binary, layers, async (checkpoint) => {
  const scenarios = ['whole-1'];
  const engine = await startEngineBench({ binary, checkpoint, storages: [storage], scenarios, layers });
  const node = await startNode(1);
  const model = await node.cluster.load(checkpoint, { storage: { matrix: storage, embedding: storage } });
  const readings = new Bandwidth(engine);
  const measure = {
    async headless() {
      const order = { scenario: 'whole-1', storage, prompt, tokens };
      const { prefill_microseconds: first, token_microseconds: gaps } = await engine.ask(order);
      const total = gaps.reduce((sum, value) => sum + value, 0);
      return { firstToken: first / 1000, perToken: total / gaps.length / 1000 };
    },
    sdk: () => generate(model, prompt, tokens),
  };
  // The first request of each builds graphs and compiles code.
  for (const name of Object.keys(measure)) await measure[name]();
  await takeTurns(rounds, Object.keys(measure), async (name, turn) => {
    if (name === 'sdk' && turn % 4 === 0) await readings.measure();
    const { firstToken, perToken } = await measure[name]();
    series[name][0].add(firstToken);
    series[name][1].add(perToken);
  });
  await node.close();
  await engine.close();
  return readings.summary();
});

const added = (index) =>
  median(series.sdk[index].values.map((value, turn) => value - series.headless[index].values[turn]));
const summary = ([firstToken, perToken]) => ({ firstToken: firstToken.summary(), perToken: perToken.summary() });
console.log(
  JSON.stringify(
    {
      name: 'sdk-overhead',
      short,
      ratios: {
        'sdk/headless, decode': speedRatio(series.sdk[1], series.headless[1]),
        'sdk/headless, first token': speedRatio(series.sdk[0], series.headless[0]),
      },
      added: { firstTokenMilliseconds: round(added(0)), perTokenMilliseconds: round(added(1), 4) },
      targets: { 'sdk/headless, decode': 0.99, firstTokenMilliseconds: 3 },
      milliseconds: { headless: summary(series.headless), sdk: summary(series.sdk) },
      readGigabytesPerSecond: bandwidth,
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();
