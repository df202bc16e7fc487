// Claim: the SDK, with its processes, costs little beside the engine's own time. Loads the shipped model on one local
// node process and compares the time between tokens as the program hears of them with what the engine measured.
// Prints JSON: {"name", "ratios": {"engine/sdk"}, "millisecondsPerToken", "millisecondsToFirstToken"}.
import { startLocalNodes } from 'shoal';

const short = process.argv.includes('--short');
const rounds = short ? 5 : 20;
const tokens = short ? 200 : 400;
const median = (values) => [...values].sort((a, b) => a - b)[values.length >> 1];

const cluster = await startLocalNodes(1);
const model = await cluster.load('shoal-tiny-chat', { plan: 'pp=1' });
const samples = [];
for (let round = 0; round < rounds; round += 1) {
  const generation = model.chat([{ role: 'user', content: 'What is 12 plus 30?' }], {
    maximumTokens: tokens,
    ignoreEndOfText: true,
  });
  let first = 0;
  let last = 0;
  for await (const _part of generation) {
    last = performance.now();
    if (first === 0) first = last;
  }
  const { timings, usage } = await generation.result;
  samples.push({
    engine: timings.decodeMilliseconds / (usage.generatedTokens - 1),
    sdk: (last - first) / (usage.generatedTokens - 1),
    firstTokenEngine: timings.prefillMilliseconds,
    firstTokenSdk: timings.timeToFirstTokenMilliseconds,
  });
}
await cluster[Symbol.asyncDispose]();

const of = (field) => Math.round(median(samples.map((sample) => sample[field])) * 1000) / 1000;
process.stdout.write(
  `${JSON.stringify(
    {
      name: 'sdk-overhead',
      short,
      ratios: { 'engine/sdk, time a token': Math.round((of('engine') / of('sdk')) * 1000) / 1000 },
      millisecondsPerToken: { engine: of('engine'), sdk: of('sdk') },
      millisecondsToFirstToken: { engine: of('firstTokenEngine'), sdk: of('firstTokenSdk') },
    },
    null,
    2,
  )}\n`,
);
process.exit();
