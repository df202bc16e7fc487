import {
  type Program,
  ProgramBuilder,
  type Range,
  replicatedWeight,
  rotaryFrequencies,
  type ShardingOptions,
  type ShardRequest,
  ShoalError,
  splitWeight,
  type Tensors,
  tensor,
  type WeightShard,
} from '@shoal/core';
import type { LlamaDimensions } from './dimensions.js';

/** Cuts that a plan chooses. */
export const headsCut = 'attention-heads';
export const feedForwardCut = 'feed-forward';
export const vocabularyCut = 'vocabulary';
/** Follows from the cut of the query heads. */
const keyValueCut = 'key-value-heads';

const firstMember: WeightShard = { kind: 'first-member' };

/** Key-value heads that a member's query heads use; neighbours may share one. */
function keyValueRange([from, to]: Range, queryHeadsPerHead: number): Range {
  const first = Math.floor(from / queryHeadsPerHead);
  return from === to ? [first, first] : [first, Math.ceil(to / queryHeadsPerHead)];
}

function requestedCut(request: ShardRequest, name: string): readonly Range[] {
  const ranges = request.cuts[name];
  if (ranges?.length === request.memberCount) return ranges;
  throw new ShoalError(
    'PROGRAM_CUT_INVALID',
    `the cut '${name}' has ${ranges?.length ?? 'no'} ranges for ${request.memberCount} members`,
    {
      details: { cut: name },
    },
  );
}

class LlamaProgram {
  private readonly builder: ProgramBuilder;

  constructor(
    private readonly dimensions: LlamaDimensions,
    tensors: Tensors,
    private readonly request: ShardRequest,
    private readonly options: ShardingOptions,
  ) {
    this.builder = new ProgramBuilder('llama', tensors);
  }

  write(): Program {
    const { request, dimensions } = this;
    const [firstLayer, endLayer] = request.layers;
    if (firstLayer < 0 || endLayer > dimensions.layerCount) {
      throw new ShoalError(
        'PROGRAM_CUT_INVALID',
        `layers ${firstLayer} to ${endLayer} of a model of ${dimensions.layerCount}`,
      );
    }
    let hidden = request.hasEmbedding ? this.embedding() : 'input';
    for (let layer = firstLayer; layer < endLayer; layer += 1) hidden = this.layer(layer, hidden);

    const output = request.hasHead ? this.head(hidden) : hidden;
    return this.builder.finish(
      request,
      this.cuts(),
      request.hasEmbedding ? { kind: 'tokens' } : { kind: 'hidden', value: 'input', width: dimensions.hiddenWidth },
      { kind: request.hasHead ? 'logits' : 'hidden', value: output },
    );
  }

  private cuts(): Record<string, readonly Range[]> {
    const heads = requestedCut(this.request, headsCut);
    const perHead = this.dimensions.queryHeads / this.dimensions.keyValueHeads;
    const cuts: Record<string, readonly Range[]> = {
      [headsCut]: heads,
      [keyValueCut]: heads.map((range) => keyValueRange(range, perHead)),
      [feedForwardCut]: requestedCut(this.request, feedForwardCut),
    };
    if (this.request.hasHead) cuts[vocabularyCut] = requestedCut(this.request, vocabularyCut);
    return cuts;
  }

  private get vocabularyShape(): readonly number[] {
    return [this.dimensions.vocabularySize, this.dimensions.hiddenWidth];
  }

  private embedding(): string {
    const weight = this.builder.weight(
      'embedding',
      tensor('model.embed_tokens.weight'),
      'embedding',
      replicatedWeight,
      this.vocabularyShape,
    );
    this.builder.add({ op: 'embedding', weight, output: 'embedded' });
    return 'embedded';
  }

  private layer(layer: number, input: string): string {
    const name = (part: string): string => `layer${layer}.${part}`;
    const afterAttention = name('after-attention');
    const output = name('output');
    const attended = this.attention(layer, this.norm(layer, 'input_layernorm', input), name);
    this.builder.add({ op: 'add', left: input, right: attended, output: afterAttention });
    const fed = this.feedForward(layer, this.norm(layer, 'post_attention_layernorm', afterAttention), name);
    this.builder.add({ op: 'add', left: afterAttention, right: fed, output });
    return output;
  }

  private norm(layer: number, part: string, input: string): string {
    const output = `layer${layer}.${part}`;
    const source = tensor(`model.layers.${layer}.${part}.weight`);
    const weight = this.builder.weight(output, source, 'vector', replicatedWeight, [this.dimensions.hiddenWidth]);
    this.builder.add({ op: 'rms-norm', input, weight, epsilon: this.dimensions.normEpsilon, output });
    return output;
  }

  /** Declares `part`'s matrix and, where the model has them, its bias. Gives the fields of a linear. */
  private matrix(
    layer: number,
    part: string,
    shape: readonly [outputs: number, inputs: number],
    shard: WeightShard,
    hasBias: boolean,
    biasShard: WeightShard,
  ): { weight: string; bias?: string } {
    const source = `model.layers.${layer}.${part}`;
    const name = `layer${layer}.${part}`;
    const weight = this.builder.weight(name, tensor(`${source}.weight`), 'matrix', shard, shape);
    if (!hasBias) return { weight };
    const [outputs] = shape;
    const bias = this.builder.weight(`${name}.bias`, tensor(`${source}.bias`), 'vector', biasShard, [outputs]);
    return { weight, bias };
  }

  private attention(layer: number, input: string, name: (part: string) => string): string {
    const { hiddenWidth, queryHeads, headSize, keyValueHeads, rotatedSize, rotary, maximumPositions, window } =
      this.dimensions;
    const { attentionBias } = this.dimensions;
    const projections = [
      ['query', 'q_proj', headsCut, queryHeads],
      ['key', 'k_proj', keyValueCut, keyValueHeads],
      ['value', 'v_proj', keyValueCut, keyValueHeads],
    ] as const;
    for (const [value, part, cut, heads] of projections) {
      const shard = splitWeight(0, cut, headSize);
      this.builder.add({
        op: 'linear',
        input,
        ...this.matrix(layer, `self_attn.${part}`, [heads * headSize, hiddenWidth], shard, attentionBias, shard),
        output: name(value),
      });
    }
    const frequencies = rotaryFrequencies(rotary, rotatedSize, maximumPositions, this.options.contextLength);
    for (const value of ['query', 'key']) {
      this.builder.add({
        op: 'rotary',
        input: name(value),
        headSize,
        rotatedSize,
        style: 'half',
        ...frequencies,
        output: name(`${value}-rotated`),
      });
    }
    const width = keyValueHeads * headSize;
    const state = this.builder.state(name('key-values'), {
      kind: 'key-value',
      layer,
      keyWidth: width,
      valueWidth: width,
      ...(window === undefined ? {} : { window }),
      shard: { kind: 'split', cut: keyValueCut, keyUnit: headSize, valueUnit: headSize },
    });
    this.builder.add({
      op: 'attention',
      query: name('query-rotated'),
      key: name('key-rotated'),
      value: name('value'),
      state,
      headSize,
      scale: 1 / Math.sqrt(headSize),
      ...(window === undefined ? {} : { window }),
      output: name('attended'),
    });
    const matrix = this.matrix(
      layer,
      'self_attn.o_proj',
      [hiddenWidth, queryHeads * headSize],
      splitWeight(1, headsCut, headSize),
      attentionBias,
      firstMember,
    );
    this.builder.add({ op: 'linear', input: name('attended'), ...matrix, output: name('attention') });
    return name('attention');
  }

  private feedForward(layer: number, input: string, name: (part: string) => string): string {
    const { hiddenWidth, feedForwardWidth, feedForwardBias, activation } = this.dimensions;
    const rows = splitWeight(0, feedForwardCut, 1);
    const columns = splitWeight(1, feedForwardCut, 1);
    const wide = [feedForwardWidth, hiddenWidth] as const;
    const gate = this.matrix(layer, 'mlp.gate_proj', wide, rows, feedForwardBias, rows);
    const up = this.matrix(layer, 'mlp.up_proj', wide, rows, feedForwardBias, rows);
    const narrow = [hiddenWidth, feedForwardWidth] as const;
    const down = this.matrix(layer, 'mlp.down_proj', narrow, columns, feedForwardBias, firstMember);
    this.builder.add({
      op: 'gated-feed-forward',
      input,
      gate: gate.weight,
      up: up.weight,
      down: down.weight,
      ...(gate.bias === undefined ? {} : { gateBias: gate.bias }),
      ...(up.bias === undefined ? {} : { upBias: up.bias }),
      ...(down.bias === undefined ? {} : { downBias: down.bias }),
      activation,
      output: name('feed-forward'),
    });
    return name('feed-forward');
  }

  private head(hidden: string): string {
    const { hiddenWidth, tiedEmbeddings, normEpsilon } = this.dimensions;
    const source = tensor('model.norm.weight');
    const normWeight = this.builder.weight('norm', source, 'vector', replicatedWeight, [hiddenWidth]);
    this.builder.add({ op: 'select-outputs', input: hidden, output: 'selected' });
    this.builder.add({
      op: 'rms-norm',
      input: 'selected',
      weight: normWeight,
      epsilon: normEpsilon,
      output: 'normalized',
    });
    this.builder.add({
      op: 'linear',
      input: 'normalized',
      weight: this.outputMatrix(tiedEmbeddings),
      output: 'logits',
    });
    return 'logits';
  }

  private outputMatrix(tied: boolean): string {
    const { hasEmbedding, memberCount } = this.request;
    // One copy serves both ends where both are whole on the same member.
    if (tied && hasEmbedding && memberCount === 1) return 'embedding';
    const source = tensor(tied ? 'model.embed_tokens.weight' : 'lm_head.weight');
    return this.builder.weight(
      'output',
      source,
      'matrix',
      memberCount === 1 ? replicatedWeight : splitWeight(0, vocabularyCut, 1),
      this.vocabularyShape,
    );
  }
}

/** A stage of a Llama-like model as a program. */
export function llamaProgram(
  dimensions: LlamaDimensions,
  tensors: Tensors,
  request: ShardRequest,
  options: ShardingOptions,
): Program {
  return new LlamaProgram(dimensions, tensors, request, options).write();
}
