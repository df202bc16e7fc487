import { configFlag, type ShardingStrategy } from '@shoal/core';
import { decoderStrategy } from './decoder.js';
import { groupedQueryAttention, headsAxis, keyValueCuts } from './grouped-query.js';
import { expertsAxis, routedExperts } from './mixture.js';

/** Qwen3-MoE: norms on query and key heads, every layer a mixture with softmax routing. */
export function qwen3Moe(): ShardingStrategy {
  return decoderStrategy({
    name: 'qwen3-moe',
    architecture: 'Qwen3MoeForCausalLM',
    axes: (config) => [headsAxis(config), expertsAxis(config)],
    derivedCuts: keyValueCuts,
    layer(writer, hidden) {
      const { builder, config } = writer;
      const attention = groupedQueryAttention(writer, writer.norm('input_layernorm', hidden), { headNorms: true });
      const afterAttention = writer.name('after-attention');
      builder.add({ op: 'add', left: hidden, right: attention, output: afterAttention });
      const experts = routedExperts(writer, writer.norm('post_attention_layernorm', afterAttention), {
        scoring: 'softmax',
        normalize: configFlag(config, 'norm_topk_prob'),
        factor: 1,
      });
      builder.add({ op: 'add', left: afterAttention, right: experts, output: writer.name('output') });
      return writer.name('output');
    },
  });
}
