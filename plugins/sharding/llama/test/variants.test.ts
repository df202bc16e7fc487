import path from 'node:path';
import { cutsFor, describeModel, memberLowering, SafetensorsCheckpoint } from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';
import t, { type Test } from 'tap';
import { evenStages, memberPrograms, SplitModel } from '../../../../test/families/run-split.js';
import { readVariants, type Variant, variantTensors, writeVariant } from '../../../../test/families/variants.js';

/** Largest difference of a row, relative to its largest logit. */
const tolerance = 1e-4;

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

const shapes: readonly (readonly [string, number, readonly number[]])[] = [
  ['whole', 1, [1]],
  ['2 uneven members × 2 stages', 2, [2, 1]],
];

/** The prompt's logits at the recorded positions, then greedy tokens where transformers is not in doubt. */
async function check(test: Test, variant: Variant, stageCount: number, shares: readonly number[]): Promise<void> {
  const directory = path.join(test.testdir({}), variant.name);
  writeVariant(variant, directory);
  const { config, contextLength, ids, positions, logits, greedy } = variant;
  using checkpoint = new SafetensorsCheckpoint(directory);
  const stages = evenStages(config.num_hidden_layers as number, stageCount, shares);
  const programs = memberPrograms(llamaStrategy(), config, checkpoint.tensors, stages, { contextLength });
  const model = await SplitModel.ofPrograms(programs, checkpoint, { contextLength, maximumStepTokens: ids.length });
  let rows = model.step([{ slot: 0, startPosition: 0, tokens: ids, outputRows: ids.length }]);
  for (const [index, position] of positions.entries()) {
    const expected = logits[index] as readonly number[];
    const row = rows[position] as Float32Array;
    const error = largest(expected.map((x, column) => x - (row[column] as number))) / largest(expected);
    test.ok(error <= tolerance, `position ${position}: ${error}`);
  }
  for (const [index, token] of (greedy?.tokens ?? []).entries()) {
    const row = rows.at(-1) as Float32Array;
    const chosen = row.reduce((best, x, column) => (x > (row[best] as number) ? column : best), 0);
    if ((greedy?.margins[index] ?? 0) > 2 * tolerance * largest(row)) test.equal(chosen, token, `token ${index}`);
    rows = model.step([{ slot: 0, startPosition: ids.length + index, tokens: [token], outputRows: 1 }]);
  }
  model.close();
}

const olderSuffix = '-older-spelling';
const variants = readVariants();

for (const variant of variants.filter(({ name }) => !name.endsWith(olderSuffix))) {
  for (const [shape, stageCount, shares] of shapes) {
    t.test(`${variant.name}, ${shape}`, (test) => check(test, variant, stageCount, shares));
  }
}

t.test('the spelling of older libraries means the same', async (test) => {
  const older = variants.filter(({ name }) => name.endsWith(olderSuffix));
  test.ok(older.length >= 7);
  for (const variant of older) {
    const newer = variants.find(({ name }) => `${name}${olderSuffix}` === variant.name) as Variant;
    test.notSame(variant.config, newer.config);
    const programOf = ({ config, contextLength }: Variant) =>
      memberPrograms(llamaStrategy(), config, variantTensors(newer), evenStages(2, 1, [1]), { contextLength });
    test.same(programOf(variant), programOf(newer), variant.name);
  }
});

t.test('dynamic scaling is decided by the context that is loaded, once for all positions', async (test) => {
  const variant = variants.find(({ name }) => name === 'llama-rope-dynamic') as Variant;
  const directory = path.join(test.testdir({}), 'model');
  writeVariant(variant, directory);
  const model = await describeModel(directory);
  const strategy = llamaStrategy();
  const shard = {
    layers: [0, 2],
    hasEmbedding: true,
    hasHead: true,
    memberCount: 1,
    cuts: cutsFor(strategy.constraints(model.config, 1), [1]),
  } as const;
  const digest = (contextLength: number): string =>
    memberLowering(strategy, model, contextLength)(shard, 0, { matrix: 'f32', embedding: 'f32' }).digest;
  test.equal(digest(16), digest(32), 'up to the trained length nothing is stretched');
  test.not(digest(32), digest(33));
  test.not(digest(64), digest(80));
});
