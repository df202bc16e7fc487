/** What the families have in common: a decoder of layers between an embedding and a head. */
import {
  type CutAxis,
  configFlag,
  configNumber,
  configSize,
  type LayerCosts,
  type ModelConfig,
  type Program,
  ProgramBuilder,
  type Range,
  replicatedWeight,
  type ShardingStrategy,
  type ShardRequest,
  splitWeight,
  type Tensors,
  tensor,
  type WeightExpression,
  type WeightRole,
  type WeightShard,
} from '@shoal/core';

export const vocabularyCut = 'vocabulary';
export const firstMember: WeightShard = { kind: 'first-member' };

/** Writes one layer: from the hidden value to the next one. */
export interface LayerWriter {
  readonly builder: ProgramBuilder;
  readonly config: ModelConfig;
  readonly layer: number;
  /** A name of this layer, for values, weights and states. */
  name(part: string): string;
  /** A checkpoint tensor of this layer. */
  tensor(part: string): WeightExpression;
  /** Declares a matrix or vector and gives its name. */
  weight(part: string, role: WeightRole, shard?: WeightShard, source?: WeightExpression): string;
  /** A linear by `part`.weight (and .bias, with its own shard) into a value of that name. */
  linear(part: string, input: string, shard: WeightShard, biasShard?: WeightShard): string;
  /** A linear whose matrix stays F32: what a router chooses by. */
  router(part: string, input: string, shard: WeightShard, biasShard?: WeightShard): string;
  /** An RMS norm over all columns, or over heads of `groupSize`. */
  norm(part: string, input: string, groupSize?: number): string;
}

export interface DecoderFamily {
  readonly name: string;
  readonly architecture: string;
  /** Added to the weights of norms (1 in Qwen3-Next). */
  readonly normOffset?: number;
  axes(config: ModelConfig): readonly CutAxis[];
  /** Cuts that follow from the plan's. */
  derivedCuts?(config: ModelConfig, cuts: ShardRequest['cuts']): Record<string, readonly Range[]>;
  layer(writer: LayerWriter, hidden: string): string;
}

class Writer implements LayerWriter {
  constructor(
    readonly builder: ProgramBuilder,
    readonly config: ModelConfig,
    readonly layer: number,
    private readonly normOffset: number | undefined,
  ) {}

  name(part: string): string {
    return `layer${this.layer}.${part}`;
  }

  tensor(part: string): WeightExpression {
    return tensor(`model.layers.${this.layer}.${part}`);
  }

  weight(part: string, role: WeightRole, shard = replicatedWeight, source = this.tensor(part)): string {
    return this.builder.weight(this.name(part), source, role, shard);
  }

  linear(part: string, input: string, shard: WeightShard, biasShard?: WeightShard): string {
    return this.project(part, 'matrix', input, shard, biasShard);
  }

  router(part: string, input: string, shard: WeightShard, biasShard?: WeightShard): string {
    return this.project(part, 'vector', input, shard, biasShard);
  }

  private project(part: string, role: WeightRole, input: string, shard: WeightShard, biasShard?: WeightShard): string {
    const weight = this.weight(`${part}.weight`, role, shard);
    const bias = biasShard === undefined ? {} : { bias: this.weight(`${part}.bias`, 'vector', biasShard) };
    this.builder.add({ op: 'linear', input, weight, ...bias, output: this.name(part) });
    return this.name(part);
  }

  norm(part: string, input: string, groupSize?: number): string {
    this.builder.add({
      op: 'rms-norm',
      input,
      weight: this.weight(`${part}.weight`, 'vector'),
      ...(this.normOffset === undefined ? {} : { weightOffset: this.normOffset }),
      epsilon: configNumber(this.config, 'rms_norm_eps'),
      ...(groupSize === undefined ? {} : { groupSize }),
      output: this.name(part),
    });
    return this.name(part);
  }
}

function writeHead(builder: ProgramBuilder, family: DecoderFamily, config: ModelConfig, hidden: string): void {
  const source = tensor(configFlag(config, 'tie_word_embeddings') ? 'model.embed_tokens.weight' : 'lm_head.weight');
  builder.add(
    { op: 'select-outputs', input: hidden, output: 'selected' },
    {
      op: 'rms-norm',
      input: 'selected',
      weight: builder.weight('norm', tensor('model.norm.weight'), 'vector'),
      ...(family.normOffset === undefined ? {} : { weightOffset: family.normOffset }),
      epsilon: configNumber(config, 'rms_norm_eps'),
      output: 'normalized',
    },
    {
      op: 'linear',
      input: 'normalized',
      weight: builder.weight('output', source, 'matrix', splitWeight(0, vocabularyCut, 1)),
      output: 'logits',
    },
  );
}

function writeProgram(family: DecoderFamily, config: ModelConfig, tensors: Tensors, request: ShardRequest): Program {
  const builder = new ProgramBuilder(family.name, tensors);
  let hidden = 'input';
  if (request.hasEmbedding) {
    hidden = 'embedded';
    builder.add({
      op: 'embedding',
      weight: builder.weight('embedding', tensor('model.embed_tokens.weight'), 'embedding'),
      output: hidden,
    });
  }
  const [first, end] = request.layers;
  for (let layer = first; layer < end; layer += 1)
    hidden = family.layer(new Writer(builder, config, layer, family.normOffset), hidden);
  if (request.hasHead) writeHead(builder, family, config, hidden);

  return builder.finish(
    request,
    { ...request.cuts, ...family.derivedCuts?.(config, request.cuts) },
    request.hasEmbedding
      ? { kind: 'tokens' }
      : { kind: 'hidden', value: 'input', width: configSize(config, 'hidden_size') },
    request.hasHead ? { kind: 'logits', value: 'logits' } : { kind: 'hidden', value: hidden },
  );
}

/** Costs by counting the elements of the checkpoint's own tensors. */
function layerCosts(tensors: Tensors, belongs: (name: string) => boolean): LayerCosts {
  let matrixElements = 0;
  let vectorElements = 0;
  for (const [name, { shape }] of tensors) {
    if (!belongs(name)) continue;
    const elements = shape.reduce((product, size) => product * size, 1);
    if (shape.length > 1) matrixElements += elements;
    else vectorElements += elements;
  }
  return {
    matrixElements,
    vectorElements,
    flopsPerToken: 2 * matrixElements,
    stateElementsPerToken: 0,
    stateElementsPerSequence: 0,
  };
}

export function decoderStrategy(family: DecoderFamily): ShardingStrategy {
  return {
    architectures: [family.architecture],
    unsupportedReason: ({ architectures }) =>
      architectures?.includes(family.architecture) === true ? undefined : `not ${family.architecture}`,
    costs: (config, tensors) => ({
      layers: Array.from({ length: configSize(config, 'num_hidden_layers') }, (_, layer) =>
        layerCosts(tensors, (name) => name.startsWith(`model.layers.${layer}.`)),
      ),
      embedding: layerCosts(tensors, (name) => name === 'model.embed_tokens.weight'),
      head: layerCosts(tensors, (name) => name === 'lm_head.weight' || name === 'model.norm.weight'),
      hiddenWidth: configSize(config, 'hidden_size'),
      vocabularySize: configSize(config, 'vocab_size'),
      maximumContextLength: configSize(config, 'max_position_embeddings'),
    }),
    constraints: (config) => ({
      layerCount: configSize(config, 'num_hidden_layers'),
      axes: [
        ...family.axes(config),
        { name: vocabularyCut, size: configSize(config, 'vocab_size'), elementsPerUnit: 1, granularity: 1 },
      ],
      maximumMembers: configSize(config, 'num_attention_heads'),
      maximumMembersReason: 'a member needs at least one attention head',
    }),
    program: (config, tensors, request) => writeProgram(family, config, tensors, request),
  };
}
