/** Whatever the shares, a cut model gives the logits of the whole one. */
import path from 'node:path';
import type { ShardingStrategy } from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { randomNumbers, randomShares } from '../../core/test/program/random.js';
import { deepseekV3 } from './deepseek-v3.js';
import { gptOss } from './gpt-oss.js';
import { qwen3Moe } from './qwen3-moe.js';
import { qwen3Next } from './qwen3-next.js';
import { readConfig, SplitModel, type SplitStage } from './run-split.js';

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures');

const models: readonly (readonly [string, ShardingStrategy])[] = [
  ['checkpoints/llama-grouped-query', llamaStrategy()],
  ['checkpoints/llama-sharded', llamaStrategy()],
  ['families/qwen3-moe', qwen3Moe()],
  ['families/deepseek-v3', deepseekV3()],
  ['families/gpt-oss', gptOss()],
  ['families/qwen3-next', qwen3Next()],
];

const rounds = 12;

async function logitsOf(
  strategy: ShardingStrategy,
  directory: string,
  stages: readonly SplitStage[],
): Promise<number[]> {
  const model = await SplitModel.open(strategy, directory, stages);
  const first = { slot: 0, startPosition: 0, tokens: [1, 17, 42, 5], outputRows: 1 };
  const second = { slot: 1, startPosition: 0, tokens: [9, 8], outputRows: 2 };
  // Two sequences in one step, then each goes on in another order.
  const rows = model.step([first, second]);
  rows.push(
    ...model.step([
      { slot: 1, startPosition: 2, tokens: [7, 3, 2], outputRows: 1 },
      { slot: 0, startPosition: 4, tokens: [6], outputRows: 1 },
    ]),
  );
  model.close();
  return rows.flatMap((row) => [...row]);
}

for (const [fixture, strategy] of models) {
  t.test(fixture, async (test) => {
    const directory = path.join(fixtures, fixture);
    const layerCount = readConfig(directory).num_hidden_layers as number;
    const expected = await logitsOf(strategy, directory, [{ layers: [0, layerCount], shares: [1] }]);
    const scale = Math.max(...expected.map(Math.abs));
    const random = randomNumbers(5);
    for (let round = 0; round < rounds; round += 1) {
      const border = Math.floor(random() * (layerCount + 1));
      const borders = border === 0 || border === layerCount ? [0, layerCount] : [0, border, layerCount];
      const stages = borders.slice(1).map((end, index): SplitStage => {
        return { layers: [borders[index] as number, end], shares: randomShares(random, 4) };
      });
      const actual = await logitsOf(strategy, directory, stages);
      const error = Math.max(...actual.map((x, i) => Math.abs(x - (expected[i] as number)))) / scale;
      const described = stages.map(
        ({ layers, shares }) => `${layers.join('–')}: ${shares.map((share) => share.toFixed(2)).join(' ')}`,
      );
      test.ok(error <= 1e-4, `${described.join(' | ')}: error ${error}`);
    }
  });
}
