import path from 'node:path';
import { SafetensorsCheckpoint } from '@shoal/core';
import { shardingConformance } from '@shoal/core/conformance';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { readConfig } from '../../../../test/families/run-split.js';

// Compiled tests lie under build/; fixtures are data and stay where they are.
const checkpoints = path.resolve(import.meta.dirname, '../../../../../test/fixtures/checkpoints');

const models = ['llama-grouped-query', 'llama-multi-head-biased', 'llama-scaled-rotation-tied', 'llama-sharded'].map(
  (name) => {
    const directory = path.join(checkpoints, name);
    using checkpoint = new SafetensorsCheckpoint(directory);
    return { name, config: readConfig(directory), tensors: checkpoint.tensors };
  },
);

for (const { name, run } of shardingConformance(llamaStrategy(), models)) t.test(name, run);
