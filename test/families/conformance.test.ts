import path from 'node:path';
import { SafetensorsCheckpoint, type ShardingStrategy } from '@shoal/core';
import { shardingConformance } from '@shoal/core/conformance';
import t from 'tap';
import { deepseekV3 } from './deepseek-v3.js';
import { gptOss } from './gpt-oss.js';
import { qwen3Moe } from './qwen3-moe.js';
import { qwen3Next } from './qwen3-next.js';
import { readConfig } from './run-split.js';

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures/families');

const families: Readonly<Record<string, ShardingStrategy>> = {
  'qwen3-moe': qwen3Moe(),
  'deepseek-v3': deepseekV3(),
  'gpt-oss': gptOss(),
  'qwen3-next': qwen3Next(),
};

for (const [name, strategy] of Object.entries(families)) {
  const directory = path.join(fixtures, name);
  using checkpoint = new SafetensorsCheckpoint(directory);
  const model = { name, config: readConfig(directory), tensors: checkpoint.tensors };
  for (const { name: what, run } of shardingConformance(strategy, [model])) t.test(what, run);
}
