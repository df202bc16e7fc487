import path from 'node:path';
import type { ShardingStrategy } from '@shoal/core';
import t from 'tap';
import { deepseekV3 } from './deepseek-v3.js';
import { expectTransformersResults } from './expectations.js';
import { gptOss } from './gpt-oss.js';
import { qwen3Moe } from './qwen3-moe.js';
import { qwen3Next } from './qwen3-next.js';
import { evenStages, readConfig } from './run-split.js';

// Compiled tests lie under build/; fixtures are data and stay where they are.
const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures/families');

const families: Readonly<Record<string, ShardingStrategy>> = {
  'qwen3-moe': qwen3Moe(),
  'deepseek-v3': deepseekV3(),
  'gpt-oss': gptOss(),
  'qwen3-next': qwen3Next(),
};

const shapes: readonly (readonly [string, number, readonly number[]])[] = [
  ['whole', 1, [1]],
  ['3 stages', 3, [1]],
  ['2 members', 1, [1, 1]],
  ['a member without a share', 1, [2, 0, 1]],
  ['3 uneven members × 2 stages', 2, [3, 1, 2]],
];

for (const [family, strategy] of Object.entries(families)) {
  const directory = path.join(fixtures, family);
  const layerCount = readConfig(directory).num_hidden_layers as number;
  for (const [shape, stageCount, shares] of shapes) {
    t.test(`${family}, ${shape}`, (test) =>
      expectTransformersResults(test, strategy, directory, evenStages(layerCount, stageCount, shares)),
    );
  }
}
