// Claim: keeping an answer to a schema costs at most 5 % of a decode step, also with a vocabulary of 128,256 tokens. Decodes with
// a checkpoint of Llama-3.2-1B's shape (random weights, q4_0) and a made-up tokenizer of that size, freely and in turns with
// constraints. The masks are computed beside the step. Prints JSON: {"name", "short", "ratios": {"schema/free, decode", …},
// "milliseconds", "machine"}. `--short` keeps 4 of the 16 layers, so that a mask weighs four times as much.
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { wholeLayers, withCheckpoint } from './support/checkpoint.mjs';
import { engineBenchBinary } from './support/engine-bench.mjs';
import { machineFacts } from './support/machine.mjs';
import { round, Series, speedRatio, takeTurns } from './support/numbers.mjs';
import { generate, startNode } from './support/sdk.mjs';
import { syntheticTokenizer } from './support/synthetic-tokenizer.mjs';

const short = process.argv.includes('--short');
const layers = short ? 4 : wholeLayers;
const rounds = short ? 5 : 11;
const tokens = short ? 48 : 64;
const prompt = 8;
const vocabulary = 128_256;
const storage = 'q4_0';

/** Random weights never come to an end: nor do these. */
const record = {
  type: 'object',
  properties: {
    name: { type: 'string' },
    kind: { enum: ['river', 'mountain', 'city', 'road'] },
    size: { type: 'number' },
    tags: { type: 'array', items: { type: 'string' }, minItems: 2 },
  },
  required: ['name', 'kind', 'size', 'tags'],
  additionalProperties: false,
};
const constraints = {
  schema: { kind: 'json-schema', specification: JSON.stringify({ type: 'array', items: record, minItems: 1000 }) },
  text: { kind: 'regex', specification: '[^\\n]{1000,}' },
  words: { kind: 'lark', specification: 'start: (WORD " "){1000,}\nWORD: /[a-z]{1,12}/' },
};

const names = ['free', ...Object.keys(constraints)];
const series = Object.fromEntries(names.map((name) => [name, new Series()]));
await withCheckpoint(engineBenchBinary(), layers, async (checkpoint) => {
  const { tokenizer, configuration } = syntheticTokenizer(vocabulary);
  writeFileSync(join(checkpoint, 'tokenizer.json'), JSON.stringify(tokenizer));
  writeFileSync(join(checkpoint, 'tokenizer_config.json'), JSON.stringify(configuration));
  const node = await startNode(1);
  const model = await node.cluster.load(checkpoint, { storage: { matrix: storage, embedding: storage } });
  const measure = (name) =>
    generate(model, prompt, tokens, {
      temperature: 0.8,
      seed: 7,
      ...(name === 'free' ? {} : { constraint: constraints[name] }),
    });
  for (const name of names) await measure(name);
  await takeTurns(rounds, names, async (name) => {
    const { engine } = await measure(name);
    series[name].add(engine.perToken);
  });
  await node.close();
});

const ratios = Object.keys(constraints).map((name) => [`${name}/free, decode`, speedRatio(series[name], series.free)]);
console.log(
  JSON.stringify(
    {
      name: 'grammar-mask',
      short,
      vocabulary,
      ratios: Object.fromEntries(ratios),
      // A step may take 1/0.95 of what it takes freely.
      targets: { decode: 0.95 },
      added: Object.fromEntries(
        Object.keys(constraints).map((name) => [name, round(series[name].median - series.free.median, 4)]),
      ),
      milliseconds: Object.fromEntries(names.map((name) => [name, series[name].summary()])),
      machine: machineFacts(),
    },
    null,
    2,
  ),
);
process.exit();
