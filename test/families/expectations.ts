/** Compares a split model with what transformers computed: `expected.json` of a fixture. */
import { readFileSync } from 'node:fs';
import path from 'node:path';
import type { ShardingStrategy } from '@shoal/core';
import type { Test } from 'tap';
import { SplitModel, type SplitStage } from './run-split.js';

interface ExpectedPrompt {
  readonly ids: readonly number[];
  /** Of the last position, or of every position. */
  readonly logits: readonly number[] | readonly (readonly number[])[];
  readonly greedy: { readonly tokens: readonly number[]; readonly margins: readonly number[] };
}

/** Relative to the largest logit of a row. */
const tolerance = 1e-4;

export function readExpected(directory: string): readonly ExpectedPrompt[] {
  const { prompts } = JSON.parse(readFileSync(path.join(directory, 'expected.json'), 'utf8')) as {
    prompts: ExpectedPrompt[];
  };
  return prompts;
}

const largest = (values: ArrayLike<number>): number =>
  Array.from(values).reduce((most, x) => Math.max(most, Math.abs(x)), 0);

function relativeError(actual: Float32Array, expected: readonly number[]): number {
  const differences = expected.map((x, index) => x - (actual[index] as number));
  return largest(differences) / largest(expected);
}

const bestToken = (logits: Float32Array): number =>
  logits.reduce((best, x, index) => (x > (logits[best] as number) ? index : best), 0);

/** Logits of the prompt, then greedy continuation token by token, for every prompt of the fixture. */
export async function expectTransformersResults(
  t: Test,
  strategy: ShardingStrategy,
  directory: string,
  stages: readonly SplitStage[],
): Promise<void> {
  const model = await SplitModel.open(strategy, directory, stages);
  for (const { ids, logits, greedy } of readExpected(directory)) {
    const expected = (typeof logits[0] === 'number' ? [logits] : logits) as readonly (readonly number[])[];
    let rows = model.step([{ slot: 0, startPosition: 0, tokens: ids, outputRows: expected.length }]);
    const errors = rows.map((row, index) => relativeError(row, expected[index] as readonly number[]));
    t.ok(
      largest(errors) <= tolerance && errors.every(Number.isFinite),
      `prompt of ${ids.length}: largest error ${largest(errors)}`,
    );

    let position = ids.length;
    for (const [index, token] of greedy.tokens.entries()) {
      const chosen = bestToken(rows.at(-1) as Float32Array);
      const scale = largest(rows.at(-1) as Float32Array);
      if ((greedy.margins[index] as number) > 2 * tolerance * scale)
        t.equal(chosen, token, `token ${index} of the continuation`);
      if (index + 1 === greedy.tokens.length) break;
      rows = model.step([{ slot: 0, startPosition: position, tokens: [token], outputRows: 1 }]);
      position += 1;
    }
    model.slotOperation({ kind: 'free', slot: 0 });
  }
  model.close();
}
