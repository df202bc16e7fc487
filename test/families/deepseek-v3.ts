import {
  configFlag,
  configNumber,
  configSize,
  rotaryFrequencies,
  rotaryParameters,
  type ShardingStrategy,
  splitWeight,
  type WeightExpression,
  yarnMagnitude,
} from '@shoal/core';
import { decoderStrategy, type LayerWriter } from './decoder.js';
import { denseFeedForward, expertsAxis, routedExperts } from './mixture.js';

const headsCut = 'attention-heads';
const feedForwardCut = 'feed-forward';
const sharedCut = 'shared-feed-forward';

/** Rotates the last `rotarySize` columns of each group of `groupSize`. Names: `part`-plain, `part`-rotated. */
function splitAndRotate(writer: LayerWriter, part: string, input: string, groupSize: number, rotarySize: number): void {
  const plainSize = groupSize - rotarySize;
  const positional = writer.name(`${part}-positional`);
  writer.builder.add(
    { op: 'slice', input, from: 0, to: plainSize, groupSize, output: writer.name(`${part}-plain`) },
    { op: 'slice', input, from: plainSize, to: groupSize, groupSize, output: positional },
    {
      op: 'rotary',
      input: positional,
      headSize: rotarySize,
      rotatedSize: rotarySize,
      style: configFlag(writer.config, 'rope_interleave', true) ? 'interleaved' : 'half',
      ...rotaryFrequencies(
        rotaryParameters(writer.config),
        rotarySize,
        configSize(writer.config, 'max_position_embeddings'),
      ),
      output: writer.name(`${part}-rotated`),
    },
  );
}

/** Softmax scale: YaRN also sharpens the scores of all columns. */
function attentionScale(writer: LayerWriter, headSize: number): number {
  const { type, fields } = rotaryParameters(writer.config);
  const weight = fields.mscale_all_dim;
  const magnitude =
    type !== 'default' && typeof weight === 'number' && weight > 0 ? yarnMagnitude(fields.factor as number, weight) : 1;
  return (magnitude * magnitude) / Math.sqrt(headSize);
}

/**
 * Latent attention, absorbed: query heads are taken into the latent space, attend to latent rows, and come back. What is
 * kept per position is one row, held by every member; heads are cut.
 */
function latentAttention(writer: LayerWriter, input: string): string {
  const { builder, config, layer } = writer;
  const heads = configSize(config, 'num_attention_heads');
  const rank = configSize(config, 'kv_lora_rank');
  const plainSize = configSize(config, 'qk_nope_head_dim');
  const rotarySize = configSize(config, 'qk_rope_head_dim');
  const valueSize = configSize(config, 'v_head_dim');
  const headSize = plainSize + rotarySize;
  const part = (name: string): string => `self_attn.${name}`;

  let query: string;
  const queryShard = splitWeight(0, headsCut, headSize);
  if (typeof config.q_lora_rank === 'number') {
    const compressed = writer.linear(part('q_a_proj'), input, { kind: 'replicated' });
    query = writer.linear(part('q_b_proj'), writer.norm(part('q_a_layernorm'), compressed), queryShard);
  } else {
    query = writer.linear(part('q_proj'), input, queryShard);
  }
  splitAndRotate(writer, 'query', query, headSize, rotarySize);
  splitAndRotate(
    writer,
    'latent',
    writer.linear(part('kv_a_proj_with_mqa'), input, { kind: 'replicated' }),
    rank + rotarySize,
    rotarySize,
  );

  // One tensor holds, head by head, the way from the latent space to keys and to values.
  const up: WeightExpression = {
    kind: 'reshape',
    input: writer.tensor('self_attn.kv_b_proj.weight'),
    shape: [heads, plainSize + valueSize, rank],
  };
  const groups = splitWeight(0, headsCut, 1);
  const intoLatent: WeightExpression = { kind: 'transpose', input: builder.slice(up, 1, [0, plainSize]) };
  const outOfLatent = builder.slice(up, 1, [plainSize, plainSize + valueSize]);

  builder.add({
    op: 'group-linear',
    input: writer.name('query-plain'),
    weight: writer.weight(part('into-latent'), 'matrix', groups, intoLatent),
    output: writer.name('query-latent'),
  });
  builder.add({
    op: 'concat',
    inputs: [writer.name('query-latent'), writer.name('query-rotated')],
    groupSizes: [rank, rotarySize],
    output: writer.name('query'),
  });
  const normalized = writer.norm(part('kv_a_layernorm'), writer.name('latent-plain'));
  builder.add({ op: 'concat', inputs: [normalized, writer.name('latent-rotated')], output: writer.name('latent') });
  builder.add({
    op: 'latent-attention',
    query: writer.name('query'),
    latent: writer.name('latent'),
    state: builder.state(writer.name('latents'), {
      kind: 'latent',
      layer,
      width: rank + rotarySize,
      shard: { kind: 'replicated' },
    }),
    headSize: rank + rotarySize,
    valueSize: rank,
    scale: attentionScale(writer, headSize),
    output: writer.name('attended-latent'),
  });
  builder.add({
    op: 'group-linear',
    input: writer.name('attended-latent'),
    weight: writer.weight(part('out-of-latent'), 'matrix', groups, outOfLatent),
    output: writer.name('attended'),
  });
  return writer.linear(part('o_proj'), writer.name('attended'), splitWeight(1, headsCut, valueSize));
}

function mixture(writer: LayerWriter, input: string): string {
  const { builder, config } = writer;
  const experts = routedExperts(writer, input, {
    scoring: 'sigmoid',
    correctionBias: writer.weight('mlp.gate.e_score_correction_bias', 'vector'),
    groups: { count: configSize(config, 'n_group'), kept: configSize(config, 'topk_group') },
    normalize: configFlag(config, 'norm_topk_prob'),
    normalizeEpsilon: 1e-20,
    factor: configNumber(config, 'routed_scaling_factor'),
  });
  const shared = denseFeedForward(writer, 'mlp.shared_experts', input, sharedCut);
  // Two partial sums: one reduction serves both.
  builder.add({ op: 'add', left: experts, right: shared, output: writer.name('mixture') });
  return writer.name('mixture');
}

/** DeepSeek-V3: latent attention, first layers dense, then experts in groups with a correction bias and a shared expert. */
export function deepseekV3(): ShardingStrategy {
  return decoderStrategy({
    name: 'deepseek-v3',
    architecture: 'DeepseekV3ForCausalLM',
    axes: (config) => [
      {
        name: headsCut,
        size: configSize(config, 'num_attention_heads'),
        elementsPerUnit: configSize(config, 'v_head_dim'),
        granularity: 1,
      },
      { name: feedForwardCut, size: configSize(config, 'intermediate_size'), elementsPerUnit: 1, granularity: 1 },
      {
        name: sharedCut,
        size: configSize(config, 'moe_intermediate_size') * configSize(config, 'n_shared_experts'),
        elementsPerUnit: 1,
        granularity: 1,
      },
      expertsAxis(config),
    ],
    layer(writer, hidden) {
      const { builder, config, layer } = writer;
      const attention = latentAttention(writer, writer.norm('input_layernorm', hidden));
      const afterAttention = writer.name('after-attention');
      builder.add({ op: 'add', left: hidden, right: attention, output: afterAttention });
      const normalized = writer.norm('post_attention_layernorm', afterAttention);
      const isDense = layer < configNumber(config, 'first_k_dense_replace', 0);
      const fed = isDense ? denseFeedForward(writer, 'mlp', normalized, feedForwardCut) : mixture(writer, normalized);
      builder.add({ op: 'add', left: afterAttention, right: fed, output: writer.name('output') });
      return writer.name('output');
    },
  });
}
