/** Feed-forwards of the families: dense ones, and mixtures of experts whose matrices are a tensor per expert. */
import {
  type CutAxis,
  configSize,
  type ModelConfig,
  type RouterOperation,
  splitWeight,
  type WeightExpression,
} from '@shoal/core';
import type { LayerWriter } from './decoder.js';

export const expertsCut = 'experts';

/** Experts dealt out whole: no row of an expert is cut off, so a unit is as many rows as an expert has. */
export const expertsAxis = (config: ModelConfig): CutAxis => ({
  name: expertsCut,
  size: expertCount(config),
  elementsPerUnit: configSize(config, 'moe_intermediate_size'),
  granularity: 1,
});

export const expertCount = (config: ModelConfig): number =>
  configSize({ ...config, count: config.num_experts ?? config.num_local_experts ?? config.n_routed_experts }, 'count');

/** gate_proj, up_proj and down_proj under `part`, cut inside. Gives a partial value. */
export function denseFeedForward(writer: LayerWriter, part: string, input: string, cut: string): string {
  const rows = splitWeight(0, cut, 1);
  writer.builder.add({
    op: 'gated-feed-forward',
    input,
    gate: writer.weight(`${part}.gate_proj.weight`, 'matrix', rows),
    up: writer.weight(`${part}.up_proj.weight`, 'matrix', rows),
    down: writer.weight(`${part}.down_proj.weight`, 'matrix', splitWeight(1, cut, 1)),
    activation: 'silu',
    output: writer.name(part),
  });
  return writer.name(part);
}

export type Routing = Pick<
  RouterOperation,
  'scoring' | 'correctionBias' | 'groups' | 'normalize' | 'normalizeEpsilon' | 'factor'
>;

/**
 * Router and experts. Each member computes the logits of its experts; core gathers them, so that all choose from the
 * same bits. Experts are dealt out whole. Gives a partial value.
 */
export function routedExperts(writer: LayerWriter, input: string, routing: Routing): string {
  const { builder, config } = writer;
  const shard = splitWeight(0, expertsCut, 1);
  const logits = writer.router('mlp.gate', input, shard);
  const indices = writer.name('chosen');
  const weights = writer.name('chosen-weights');
  builder.add({ op: 'router', logits, topK: configSize(config, 'num_experts_per_tok'), ...routing, indices, weights });
  const stacked = (part: string): string => {
    const inputs = Array.from(
      { length: expertCount(config) },
      (_, expert): WeightExpression => writer.tensor(`mlp.experts.${expert}.${part}.weight`),
    );
    return writer.weight(`mlp.experts.${part}`, 'matrix', shard, { kind: 'stack', inputs });
  };
  builder.add({
    op: 'experts',
    input,
    indices,
    weights,
    gate: stacked('gate_proj'),
    up: stacked('up_proj'),
    down: stacked('down_proj'),
    activation: 'silu',
    output: writer.name('experts'),
  });
  return writer.name('experts');
}
