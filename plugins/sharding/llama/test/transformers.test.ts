import path from 'node:path';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { expectTransformersResults } from '../../../../test/families/expectations.js';
import { evenStages, readConfig } from '../../../../test/families/run-split.js';

// Compiled tests lie under build/; fixtures are data and stay where they are.
const folder = path.resolve(import.meta.dirname, '../../../../../test/fixtures');

const fixtures = [
  'checkpoints/llama-grouped-query',
  'checkpoints/llama-multi-head-biased',
  'checkpoints/llama-scaled-rotation-tied',
  'checkpoints/llama-sharded',
  'families/mistral',
  'families/llama-yarn',
];

const shapes: readonly (readonly [string, number, readonly number[]])[] = [
  ['whole', 1, [1]],
  ['2 stages', 2, [1]],
  ['3 stages', 3, [1]],
  ['2 uneven members', 1, [2, 1]],
  ['3 uneven members', 1, [3, 1, 2]],
  ['a member without a share', 1, [1, 0, 1]],
  ['2 members × 2 stages', 2, [1, 1]],
  ['3 uneven members × 2 stages', 2, [3, 1, 2]],
];

for (const fixture of fixtures) {
  const directory = path.join(folder, fixture);
  const layerCount = readConfig(directory).num_hidden_layers as number;
  for (const [name, stageCount, shares] of shapes) {
    if (stageCount > layerCount) continue;
    t.test(`${fixture}, ${name}`, (test) =>
      expectTransformersResults(test, llamaStrategy(), directory, evenStages(layerCount, stageCount, shares)),
    );
  }
}
