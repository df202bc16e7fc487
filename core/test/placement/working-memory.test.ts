import { lowerProgram, type MemberProgram, propagate } from '@shoal/core';
import { estimatedStepBytes, stepBytes } from '@shoal/core/internal/placement/working-memory.js';
import t from 'tap';
import { type LlamaShape, llama, llamaModel, oneBillion } from './llama-model.js';

const settings = { contextLength: 1024, slotCount: 2 };
const mebibyte = 2 ** 20;

/** A part of a model, on one member or on the first of several that share it evenly. */
function programOf(
  shape: LlamaShape,
  storage: 'f32' | 'bf16' | 'q4_0',
  layers: [number, number],
  members = 1,
): MemberProgram {
  const { config, tensors } = llamaModel({ ...shape, tied: false });
  const whole = llama.constraints(config, members);
  const cuts = Object.fromEntries(
    whole.axes.map(({ name, size }) => [
      name,
      Array.from({ length: members }, (_, member): [number, number] => [
        (size * member) / members,
        (size * (member + 1)) / members,
      ]),
    ]),
  );
  const shard = {
    layers,
    hasEmbedding: layers[0] === 0,
    hasHead: layers[1] === shape.layers,
    memberCount: members,
    cuts,
  };
  const propagated = propagate(llama.program(config, tensors, shard, settings));
  return lowerProgram(propagated, 0, { matrix: storage, embedding: storage }, tensors);
}

t.test('a step takes what is alive at once', async (t) => {
  const rows = 512;
  const middle = stepBytes(programOf(oneBillion, 'f32', [4, 6]), settings);
  // The residual, what the block reads and what it makes; gate, up and their product; a mask of half precision, twice.
  const { hidden, feedForward } = oneBillion;
  const least = rows * 4 * (2 * hidden + 3 * feedForward) + rows * 1024 * 4;
  t.ok(
    middle >= least && middle <= least + rows * 4 * 2 * hidden,
    `${middle / mebibyte} MiB, at least ${least / mebibyte}`,
  );
  const of = (storage: 'f32' | 'bf16' | 'q4_0'): number => stepBytes(programOf(oneBillion, storage, [4, 6]), settings);
  t.equal(of('bf16') - middle, rows * feedForward * 2, 'inputs of products in half precision');
  t.equal(of('q4_0') - middle, (rows * feedForward * 34) / 32, 'or in blocks of 8 bits');
  const half = stepBytes(programOf(oneBillion, 'f32', [4, 6], 2), settings);
  t.equal(middle - half, rows * 4 * 3 * (feedForward / 2), 'members of a stage make their parts');
  const last = stepBytes(programOf(oneBillion, 'f32', [14, 16]), settings);
  t.ok(last > middle && last - middle < 4 * mebibyte, 'logits of two slots, with what draws from them');
  const longer = stepBytes(programOf(oneBillion, 'f32', [4, 6]), { ...settings, contextLength: 65_536 });
  t.equal(longer - middle, rows * (65_536 - 1024) * 4, 'masks grow with the context');
});

t.test('the estimate is near it', async (t) => {
  for (const feedForward of [2048, 5632, 8192, 14_336]) {
    const shape = { ...oneBillion, feedForward };
    const { config, tensors } = llamaModel({ ...shape, tied: false });
    const estimated = estimatedStepBytes(llama.costs(config, tensors), settings);
    const exact = stepBytes(programOf(shape, 'q4_0', [0, shape.layers]), settings);
    t.ok(estimated > exact * 0.8 && estimated < exact * 1.4, `${feedForward}: ${estimated / exact}`);
  }
});
