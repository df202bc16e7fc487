/**
 * Whatever a strategy declares, propagation either rejects it or the cut model computes what the whole one does. Every
 * shard of every weight and state is replaced by every other one that could be written there.
 */
import path from 'node:path';
import {
  type Program,
  propagate,
  type RecurrentShard,
  SafetensorsCheckpoint,
  type ShardingStrategy,
  ShoalError,
  type StateShard,
  type WeightShard,
} from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';
import t from 'tap';
import { deepseekV3 } from './deepseek-v3.js';
import { gptOss } from './gpt-oss.js';
import { qwen3Moe } from './qwen3-moe.js';
import { qwen3Next } from './qwen3-next.js';
import { lowerAll, readConfig, SplitModel, stagePrograms } from './run-split.js';

const fixtures = path.resolve(import.meta.dirname, '../../../test/fixtures');

const models: readonly (readonly [string, ShardingStrategy])[] = [
  ['checkpoints/llama-multi-head-biased', llamaStrategy()],
  ['families/qwen3-moe', qwen3Moe()],
  ['families/deepseek-v3', deepseekV3()],
  ['families/gpt-oss', gptOss()],
  ['families/qwen3-next', qwen3Next()],
];

const prompt = [1, 17, 42, 5, 88];

async function logitsOf(program: Program, checkpoint: SafetensorsCheckpoint): Promise<Float32Array> {
  const model = await SplitModel.ofPrograms([lowerAll(program, checkpoint.tensors)], checkpoint);
  // Two steps, so that what states carry over is seen too.
  model.step([{ slot: 0, startPosition: 0, tokens: prompt.slice(0, 3), outputRows: 0 }]);
  const rows = model.step([{ slot: 0, startPosition: 3, tokens: prompt.slice(3), outputRows: 2 }]);
  model.close();
  return Float32Array.from(rows.flatMap((row) => [...row]));
}

function difference(a: Float32Array, b: Float32Array): number {
  const largest = b.reduce((most, x) => Math.max(most, Math.abs(x)), 0);
  return (
    a.reduce(
      (most, x, i) => Math.max(most, Number.isFinite(x) ? Math.abs(x - (b[i] as number)) : Number.POSITIVE_INFINITY),
      0,
    ) / largest
  );
}

/** Units with which an axis of `size` elements fits a cut. */
function unitsOf(program: Program, size: number): { cut: string; unit: number }[] {
  return Object.entries(program.cuts).flatMap(([cut, ranges]) => {
    const units = Math.max(...ranges.map(([, to]) => to));
    return size % units === 0 ? [{ cut, unit: size / units }] : [];
  });
}

function* weightMutations(program: Program): Generator<[string, Program]> {
  for (const [name, weight] of Object.entries(program.weights)) {
    const shards: WeightShard[] = [{ kind: 'replicated' }, { kind: 'first-member' }];
    for (const [axis, size] of weight.shape.entries()) {
      for (const { cut, unit } of unitsOf(program, size)) shards.push({ kind: 'split', axis, cut, unit });
    }
    for (const shard of shards) {
      if (JSON.stringify(shard) === JSON.stringify(weight.shard)) continue;
      yield [
        `${name} as ${JSON.stringify(shard)}`,
        { ...program, weights: { ...program.weights, [name]: { ...weight, shard } } },
      ];
    }
  }
}

function* stateMutations(program: Program): Generator<[string, Program]> {
  for (const [name, state] of Object.entries(program.states)) {
    const shards: (StateShard | RecurrentShard)[] = [{ kind: 'replicated' }];
    if (state.kind === 'recurrent') {
      for (const [axis, size] of state.shape.entries()) {
        for (const { cut, unit } of unitsOf(program, size)) shards.push({ kind: 'split', axis, cut, unit });
      }
    } else if (state.kind === 'key-value') {
      for (const { cut, unit } of unitsOf(program, state.keyWidth))
        shards.push({ kind: 'split', cut, keyUnit: unit, valueUnit: unit });
    }
    for (const shard of shards) {
      if (JSON.stringify(shard) === JSON.stringify(state.shard)) continue;
      const changed = { ...state, shard } as typeof state;
      yield [`${name} as ${JSON.stringify(shard)}`, { ...program, states: { ...program.states, [name]: changed } }];
    }
  }
}

for (const [fixture, strategy] of models) {
  t.test(fixture, async (test) => {
    const directory = path.join(fixtures, fixture);
    const config = readConfig(directory);
    using checkpoint = new SafetensorsCheckpoint(directory);
    const layers = [0, config.num_hidden_layers as number] as const;
    const [whole] = stagePrograms(strategy, config, checkpoint.tensors, [{ layers, shares: [1] }]);
    const [cut] = stagePrograms(strategy, config, checkpoint.tensors, [{ layers, shares: [3, 1, 2] }]);
    const expected = await logitsOf(whole as Program, checkpoint);

    let rejected = 0;
    let accepted = 0;
    for (const [description, mutated] of [...weightMutations(cut as Program), ...stateMutations(cut as Program)]) {
      try {
        propagate(mutated);
      } catch (error) {
        if (!ShoalError.is(error) || !error.code.startsWith('PROGRAM_')) throw error;
        rejected += 1;
        continue;
      }
      accepted += 1;
      const error = difference(await logitsOf(mutated, checkpoint), expected);
      if (error > 1e-4) test.fail(`${description} was accepted but changes the logits by ${error}`);
    }
    test.comment(`${accepted} other declarations are right too, ${rejected} were rejected`);
    test.ok(rejected > 20, 'most other declarations are rejected');
  });
}
