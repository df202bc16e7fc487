import {
  configNumber,
  configSize,
  cutAxis,
  type ShardingStrategy,
  splitWeight,
  type WeightExpression,
} from '@shoal/core';
import { decoderStrategy, firstMember, type LayerWriter } from './decoder.js';
import { groupedQueryAttention, headsAxis, keyValueCuts } from './grouped-query.js';
import { expertCount, expertsCut } from './mixture.js';

const feedForwardCut = 'expert-feed-forward';

/**
 * Router and experts with biases. Every expert is cut inside, so that each member has a part of each; gate and up lie
 * interleaved in one tensor, [experts, inputs, 2 · width].
 */
function mixture(writer: LayerWriter, input: string): string {
  const { builder, config } = writer;
  const routerShard = splitWeight(0, expertsCut, 1);
  const logits = writer.router('mlp.router', input, routerShard, routerShard);
  const indices = writer.name('chosen');
  const weights = writer.name('chosen-weights');
  builder.add({
    op: 'router',
    logits,
    scoring: 'softmax-of-chosen',
    topK: configSize(config, 'num_experts_per_tok'),
    normalize: false,
    factor: 1,
    indices,
    weights,
  });
  const interleaved = (tensorPart: string, axis: number, start: number): WeightExpression => ({
    kind: 'stride',
    input: writer.tensor(`mlp.experts.${tensorPart}`),
    axis,
    start,
    step: 2,
  });
  const matrix = (start: number): WeightExpression => ({
    kind: 'transpose',
    input: interleaved('gate_up_proj', 2, start),
  });
  const rows = splitWeight(1, feedForwardCut, 1);
  const down: WeightExpression = { kind: 'transpose', input: writer.tensor('mlp.experts.down_proj') };
  builder.add({
    op: 'experts',
    input,
    indices,
    weights,
    gate: writer.weight('experts.gate', 'matrix', rows, matrix(0)),
    up: writer.weight('experts.up', 'matrix', rows, matrix(1)),
    down: writer.weight('experts.down', 'matrix', splitWeight(2, feedForwardCut, 1), down),
    gateBias: writer.weight('experts.gate-bias', 'vector', rows, interleaved('gate_up_proj_bias', 1, 0)),
    upBias: writer.weight('experts.up-bias', 'vector', rows, interleaved('gate_up_proj_bias', 1, 1)),
    downBias: writer.weight('experts.down-bias', 'vector', firstMember, writer.tensor('mlp.experts.down_proj_bias')),
    activation: {
      kind: 'clamped-swiglu',
      limit: configNumber(config, 'swiglu_limit', 7),
      alpha: configNumber(config, 'swiglu_alpha', 1.702),
    },
    output: writer.name('experts'),
  });
  return writer.name('experts');
}

/** gpt-oss: sinks, a window in every other layer, biases everywhere, experts with a clamped gate. */
export function gptOss(): ShardingStrategy {
  return decoderStrategy({
    name: 'gpt-oss',
    architecture: 'GptOssForCausalLM',
    axes: (config) => [
      headsAxis(config),
      { name: feedForwardCut, size: configSize(config, 'intermediate_size'), elementsPerUnit: 1, granularity: 1 },
    ],
    derivedCuts: (config, cuts) => ({
      ...keyValueCuts(config, cuts),
      // Only the router's rows are cut by experts; they follow the shares of the feed-forward.
      [expertsCut]: cutAxis(
        expertCount(config),
        (cuts[feedForwardCut] ?? []).map(([from, to]) => to - from),
      ),
    }),
    layer(writer, hidden) {
      const { builder, config, layer } = writer;
      const slides = (config.layer_types as readonly string[])[layer] === 'sliding_attention';
      const attention = groupedQueryAttention(writer, writer.norm('input_layernorm', hidden), {
        biases: true,
        sinks: true,
        ...(slides ? { window: configSize(config, 'sliding_window') } : {}),
      });
      const afterAttention = writer.name('after-attention');
      builder.add({ op: 'add', left: hidden, right: attention, output: afterAttention });
      const experts = mixture(writer, writer.norm('post_attention_layernorm', afterAttention));
      builder.add({ op: 'add', left: afterAttention, right: experts, output: writer.name('output') });
      return writer.name('output');
    },
  });
}
