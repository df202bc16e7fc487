/** Grouped-query attention with the variations of the families: norms on heads, biases, sinks, windows, an output gate. */
import {
  type CutAxis,
  configSize,
  type ModelConfig,
  type Range,
  rotaryFrequencies,
  rotaryParameters,
  type ShardRequest,
  splitWeight,
} from '@shoal/core';
import { firstMember, type LayerWriter } from './decoder.js';

export const headsCut = 'attention-heads';
const keyValueCut = 'key-value-heads';

const queriesPerHead = (config: ModelConfig): number =>
  configSize(config, 'num_attention_heads') / configSize(config, 'num_key_value_heads');

export function headsAxis(config: ModelConfig): CutAxis {
  return {
    name: headsCut,
    size: configSize(config, 'num_attention_heads'),
    elementsPerUnit: configSize(config, 'head_dim'),
    granularity: 1,
    groupSize: queriesPerHead(config),
  };
}

export function keyValueCuts(config: ModelConfig, cuts: ShardRequest['cuts']): Record<string, readonly Range[]> {
  const per = queriesPerHead(config);
  const ranges = (cuts[headsCut] ?? []).map(([from, to]): Range => {
    const first = Math.floor(from / per);
    return [first, from === to ? first : Math.ceil(to / per)];
  });
  return { [keyValueCut]: ranges };
}

export interface AttentionVariation {
  readonly headNorms?: boolean;
  readonly biases?: boolean;
  readonly sinks?: boolean;
  readonly window?: number;
  /** The query projection also makes a gate for the attention's result, head by head. */
  readonly gated?: boolean;
}

/** The attention of a layer; gives its partial result. */
export function groupedQueryAttention(writer: LayerWriter, input: string, variation: AttentionVariation): string {
  const { builder, config, layer } = writer;
  const headSize = configSize(config, 'head_dim');
  const keyWidth = configSize(config, 'num_key_value_heads') * headSize;
  const queryUnit = variation.gated === true ? 2 * headSize : headSize;
  const shardOf = (cut: string, unit: number) => splitWeight(0, cut, unit);
  const project = (part: string, cut: string, unit: number): string =>
    writer.linear(
      `self_attn.${part}`,
      input,
      shardOf(cut, unit),
      variation.biases === true ? shardOf(cut, unit) : undefined,
    );

  let query = project('q_proj', headsCut, queryUnit);
  let key = project('k_proj', keyValueCut, headSize);
  const value = project('v_proj', keyValueCut, headSize);
  const gate = writer.name('gate');
  if (variation.gated === true) {
    builder.add(
      { op: 'slice', input: query, from: headSize, to: 2 * headSize, groupSize: 2 * headSize, output: gate },
      { op: 'slice', input: query, from: 0, to: headSize, groupSize: 2 * headSize, output: writer.name('query') },
    );
    query = writer.name('query');
  }
  if (variation.headNorms === true) {
    query = writer.norm('self_attn.q_norm', query, headSize);
    key = writer.norm('self_attn.k_norm', key, headSize);
  }
  const rotary = rotaryParameters(config);
  const rotatedSize = headSize * ((rotary.fields.partial_rotary_factor as number | undefined) ?? 1);
  const frequencies = rotaryFrequencies(rotary, rotatedSize, configSize(config, 'max_position_embeddings'));
  for (const [source, output] of [
    [query, 'query-rotated'],
    [key, 'key-rotated'],
  ] as const) {
    builder.add({
      op: 'rotary',
      input: source,
      headSize,
      rotatedSize,
      style: 'half',
      ...frequencies,
      output: writer.name(output),
    });
  }
  const window = variation.window === undefined ? {} : { window: variation.window };
  const state = builder.state(writer.name('key-values'), {
    kind: 'key-value',
    layer,
    keyWidth,
    valueWidth: keyWidth,
    ...window,
    shard: { kind: 'split', cut: keyValueCut, keyUnit: headSize, valueUnit: headSize },
  });
  let attended = writer.name('attended');
  builder.add({
    op: 'attention',
    query: writer.name('query-rotated'),
    key: writer.name('key-rotated'),
    value,
    state,
    headSize,
    scale: 1 / Math.sqrt(headSize),
    ...window,
    ...(variation.sinks === true
      ? { sinks: writer.weight('self_attn.sinks', 'vector', splitWeight(0, headsCut, 1)) }
      : {}),
    output: attended,
  });
  if (variation.gated === true) {
    builder.add(
      { op: 'elementwise', function: 'sigmoid', input: gate, output: writer.name('gate-open') },
      { op: 'multiply', left: attended, right: writer.name('gate-open'), output: writer.name('attended-gated') },
    );
    attended = writer.name('attended-gated');
  }
  return writer.linear(
    'self_attn.o_proj',
    attended,
    splitWeight(1, headsCut, headSize),
    variation.biases === true ? firstMember : undefined,
  );
}
