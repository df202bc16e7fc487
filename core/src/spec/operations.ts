/**
 * The operations of a program, in two levels. Primitives are what every backend aims to run; macro operations have a
 * normative decomposition into primitives (`core/src/program/decompose.ts`) and are a backend's fast paths, so that a
 * new family needs no native change to work.
 *
 * Fields named `input`, `left`, `query`, … name values; `weight`, `bias`, … name weights; `state` names a state.
 * `groupSize` divides the columns of a value into equal groups (heads); absent means one group of all columns.
 * Which field is what is tabulated, for every operation, in `core/src/program/operation-fields.ts`.
 */
import type { Range } from './range.js';

export type ElementwiseFunction =
  | 'silu'
  | 'gelu'
  | 'gelu-tanh'
  | 'sigmoid'
  | 'softplus'
  | 'relu'
  | 'tanh'
  | 'exp'
  | 'negate'
  | 'reciprocal';

/** Primitives. */
export type PrimitiveOperation =
  /** output = rows of `weight` ([vocabulary, width]) picked by the step's token ids. */
  | { readonly op: 'embedding'; readonly weight: string; readonly output: string }
  /** output = input · weightᵀ (+ bias); weight is [outputs, inputs]. */
  | {
      readonly op: 'linear';
      readonly input: string;
      readonly weight: string;
      readonly bias?: string;
      readonly output: string;
    }
  | { readonly op: 'add'; readonly left: string; readonly right: string; readonly output: string }
  | { readonly op: 'multiply'; readonly left: string; readonly right: string; readonly output: string }
  /** Multiplies each column group of `input` by one column of `factors` ([rows, groups]). */
  | {
      readonly op: 'multiply-groups';
      readonly input: string;
      readonly factors: string;
      readonly groupSize: number;
      readonly output: string;
    }
  /**
   * Multiplies each row by a weight vector; a shorter vector repeats for each group of columns of its length. A weight of
   * more axes counts as its elements in row-major order.
   */
  | { readonly op: 'multiply-vector'; readonly input: string; readonly weight: string; readonly output: string }
  /** Adds a weight vector to each row; a shorter vector repeats for each group of columns of its length. */
  | { readonly op: 'add-vector'; readonly input: string; readonly weight: string; readonly output: string }
  /** output = input · factor + offset. */
  | {
      readonly op: 'scale';
      readonly input: string;
      readonly factor: number;
      readonly offset?: number;
      readonly output: string;
    }
  | {
      readonly op: 'clamp';
      readonly input: string;
      readonly minimum?: number;
      readonly maximum?: number;
      readonly output: string;
    }
  | {
      readonly op: 'elementwise';
      readonly function: ElementwiseFunction;
      readonly input: string;
      readonly output: string;
    }
  /** x / √(mean(x²) + epsilon) · (weight + weightOffset), per group; the weight has groupSize entries. */
  | {
      readonly op: 'rms-norm';
      readonly input: string;
      readonly weight?: string;
      readonly weightOffset?: number;
      readonly epsilon: number;
      readonly groupSize?: number;
      readonly output: string;
    }
  | {
      readonly op: 'layer-norm';
      readonly input: string;
      readonly weight?: string;
      readonly bias?: string;
      readonly epsilon: number;
      readonly groupSize?: number;
      readonly output: string;
    }
  /** x / √(Σx² + epsilon) per group. */
  | {
      readonly op: 'l2-norm';
      readonly input: string;
      readonly epsilon: number;
      readonly groupSize?: number;
      readonly output: string;
    }
  /**
   * Rotary position embedding on the first `rotatedSize` columns of each head. `half`: column i pairs with
   * i + rotatedSize/2 (Hugging Face layout); `interleaved`: 2i with 2i+1. Angle = position · inverseFrequencies[i];
   * both results are multiplied by `magnitude` (yarn's attention factor, else 1).
   */
  | {
      readonly op: 'rotary';
      readonly input: string;
      readonly headSize: number;
      readonly rotatedSize: number;
      readonly style: 'half' | 'interleaved';
      readonly inverseFrequencies: readonly number[];
      readonly magnitude: number;
      readonly output: string;
    }
  /** Columns [from, to) of each group, side by side. */
  | {
      readonly op: 'slice';
      readonly input: string;
      readonly from: number;
      readonly to: number;
      readonly groupSize?: number;
      readonly output: string;
    }
  /** Group g of the output = group g of every input, side by side; `groupSizes[i]` columns from inputs[i]. */
  | {
      readonly op: 'concat';
      readonly inputs: readonly string[];
      readonly groupSizes?: readonly number[];
      readonly output: string;
    }
  /** Each group `times` times in a row (keys shared by several query heads). */
  | {
      readonly op: 'repeat';
      readonly input: string;
      readonly groupSize?: number;
      readonly times: number;
      readonly output: string;
    }
  /** Keeps the rows whose logits the step asks for. */
  | { readonly op: 'select-outputs'; readonly input: string; readonly output: string }
  | { readonly op: 'softmax'; readonly input: string; readonly groupSize?: number; readonly output: string }
  /** The sum within each group: one column a group. */
  | { readonly op: 'sum-groups'; readonly input: string; readonly groupSize: number; readonly output: string }
  /** The sum of all groups: `groupSize` columns. */
  | { readonly op: 'add-groups'; readonly input: string; readonly groupSize: number; readonly output: string }
  /** A value of zeros with the rows of the step. */
  | { readonly op: 'zeros'; readonly width: number; readonly output: string }
  /** A value of which every row is the weight vector. */
  | { readonly op: 'broadcast'; readonly weight: string; readonly output: string }
  /** Group g of the output = weight[g] · group g of the input; weight is [groups, outputs, inputs]. */
  | { readonly op: 'group-linear'; readonly input: string; readonly weight: string; readonly output: string }
  /**
   * Group c of the output = weight[indices[c]] · x (+ bias[indices[c]]), where x is the whole input when that is
   * `inputs` wide, else its group c. Weight is [experts, outputs, inputs], bias [experts, outputs].
   */
  | {
      readonly op: 'expert-linear';
      readonly input: string;
      readonly indices: string;
      readonly weight: string;
      readonly bias?: string;
      readonly output: string;
    }
  /**
   * The k largest columns of each group, largest first, of equal ones the one further left: within-group column numbers
   * and values. A discrete choice: the input must be replicated, so that all members choose from equal bits.
   */
  | {
      readonly op: 'top-k';
      readonly input: string;
      readonly k: number;
      readonly groupSize?: number;
      readonly indices: string;
      readonly values: string;
    }
  /** The columns of `input` named by `indices`. */
  | { readonly op: 'gather-columns'; readonly input: string; readonly indices: string; readonly output: string }
  /** `width` columns: 0 where `indices` names the column, −infinity elsewhere; added, it leaves the named columns. */
  | { readonly op: 'keep-columns'; readonly indices: string; readonly width: number; readonly output: string }
  /**
   * Ids of experts as local ones: id − range.from inside the range; elsewhere expert 0 with weight 0, so that every
   * choice names an expert that is here. Core inserts it where experts are cut.
   */
  | {
      readonly op: 'localize-experts';
      readonly indices: string;
      readonly weights: string;
      readonly range: Range;
      readonly localIndices: string;
      readonly localWeights: string;
    }
  /** Writes the step's rows into a part of a key-value or latent state, at the rows' positions. */
  | { readonly op: 'append-state'; readonly input: string; readonly state: string; readonly part: StatePart }
  /**
   * scale · (query head · state head) for every visible position: the own one and those before it, at most `window` in
   * all. Query heads share state heads in order, equally many each. The output has a list per column (head).
   */
  | {
      readonly op: 'visible-dots';
      readonly query: string;
      readonly state: string;
      readonly part: StatePart;
      readonly headSize: number;
      readonly scale: number;
      readonly window?: number;
      readonly output: string;
    }
  /** Softmax over each column's visible positions; a sink is one logit per column that joins the denominator only. */
  | { readonly op: 'visible-softmax'; readonly input: string; readonly sinks?: string; readonly output: string }
  /** Sum over visible positions of weight · the first `take` (default: all) columns of the state head. */
  | {
      readonly op: 'visible-sum';
      readonly weights: string;
      readonly state: string;
      readonly part: StatePart;
      readonly headSize: number;
      readonly take?: number;
      readonly output: string;
    }
  /**
   * Column by column, the last `count` entries up to the own row, oldest first; zeros before the sequence's start. The
   * state, [count − 1, columns], carries the rows over from step to step.
   */
  | {
      readonly op: 'recent-rows';
      readonly input: string;
      readonly state: string;
      readonly count: number;
      readonly output: string;
    }
  /**
   * The gated delta rule, row by row, for each value head with state S [keySize, valueSize] (arXiv:2412.06464):
   * S ← decay · S; S ← S + key ⊗ (rate · (value − Sᵀ key)); output = Sᵀ query. `decay` and `rate` have one column a head;
   * query, key and value have equally many heads.
   */
  | {
      readonly op: 'delta-rule';
      readonly query: string;
      readonly key: string;
      readonly value: string;
      readonly decay: string;
      readonly rate: string;
      readonly state: string;
      readonly keySize: number;
      readonly valueSize: number;
      readonly output: string;
    };

/** The parts of a state: a key-value state has keys and values, a latent state has rows. */
export type StatePart = 'keys' | 'values' | 'rows';

export type AttentionOperation = {
  readonly op: 'attention';
  /** [tokens, query heads · headSize] */
  readonly query: string;
  /** [tokens, key heads · headSize], appended to the state before attending. */
  readonly key: string;
  /** [tokens, key heads · valueHeadSize] */
  readonly value: string;
  readonly state: string;
  readonly headSize: number;
  /** Defaults to headSize. */
  readonly valueHeadSize?: number;
  /** Multiplies query · key. */
  readonly scale: number;
  /** Visible positions: the last `window` including the own one; absent: all up to the own one. */
  readonly window?: number;
  /** Weight of one logit per query head that joins the softmax's denominator only. */
  readonly sinks?: string;
  readonly output: string;
};

/** output = down · (activation(gate · input) * (up · input)); the biases are added to gate, up and down. */
export type GatedFeedForwardOperation = {
  readonly op: 'gated-feed-forward';
  readonly input: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
  readonly gateBias?: string;
  readonly upBias?: string;
  readonly downBias?: string;
  readonly activation: ElementwiseFunction;
  readonly output: string;
};

/**
 * Multi-head latent attention in its absorbed form (DeepSeek-V2, arXiv:2405.04434): all query heads attend to the one
 * latent row of each position, and sum the first `valueSize` columns of it. The projections from a head into the latent
 * space and back are `group-linear`s around it.
 */
export type LatentAttentionOperation = {
  readonly op: 'latent-attention';
  /** [tokens, heads · headSize] */
  readonly query: string;
  /** [tokens, headSize], appended to the state before attending. */
  readonly latent: string;
  readonly state: string;
  readonly headSize: number;
  readonly valueSize: number;
  readonly scale: number;
  /** [tokens, heads · valueSize] */
  readonly output: string;
};

/** Chooses `topK` experts per row and their weights. The logits must be replicated. */
export type RouterOperation = {
  readonly op: 'router';
  /** [tokens, experts] */
  readonly logits: string;
  /** How logits become weights; `softmax-of-chosen` is taken over the chosen ones alone. */
  readonly scoring: 'softmax' | 'sigmoid' | 'softmax-of-chosen';
  /** Weight, [experts], added to the scores for the choice only. */
  readonly correctionBias?: string;
  /** Experts in equal groups: only the `kept` groups whose two best experts sum highest are chosen from. */
  readonly groups?: { readonly count: number; readonly kept: number };
  readonly topK: number;
  /** Divides the weights by their sum (plus `normalizeEpsilon`, default 0). */
  readonly normalize: boolean;
  readonly normalizeEpsilon?: number;
  /** Multiplies the weights at the end. */
  readonly factor: number;
  /** [tokens, topK] each */
  readonly indices: string;
  readonly weights: string;
};

/**
 * `clamped-swiglu` (gpt-oss): with g = min(gate, limit), u = clamp(up, ±limit): g · sigmoid(alpha · g) · (u + 1).
 */
export type ExpertActivation =
  | ElementwiseFunction
  | { readonly kind: 'clamped-swiglu'; readonly limit: number; readonly alpha: number };

/**
 * The weighted sum of the chosen experts' gated feed-forwards. gate and up are [experts, width, inputs], down is
 * [experts, inputs, width]; biases are [experts, …].
 */
export type ExpertsOperation = {
  readonly op: 'experts';
  readonly input: string;
  readonly indices: string;
  readonly weights: string;
  readonly gate: string;
  readonly up: string;
  readonly down: string;
  readonly gateBias?: string;
  readonly upBias?: string;
  readonly downBias?: string;
  readonly activation: ExpertActivation;
  readonly output: string;
};

/**
 * Depthwise causal convolution over time: column c of row t = activation(Σ_k weight[c, k] · input[t − kernel + 1 + k, c] + bias[c]).
 * Weight is [columns, kernel]; the state is recurrent, [kernel − 1, columns].
 */
export type CausalConvolutionOperation = {
  readonly op: 'causal-convolution';
  readonly input: string;
  readonly weight: string;
  readonly bias?: string;
  readonly activation?: ElementwiseFunction;
  readonly state: string;
  readonly output: string;
};

/**
 * Gated linear attention by the delta rule: query and key heads are l2-normalized where `normalizeEpsilon` is given,
 * the query is scaled, each key head serves equally many consecutive value heads, the state decays by exp(logDecay).
 */
export type GatedLinearAttentionOperation = {
  readonly op: 'gated-linear-attention';
  /** [tokens, key heads · keySize] each */
  readonly query: string;
  readonly key: string;
  /** [tokens, value heads · valueSize] */
  readonly value: string;
  /** [tokens, value heads] each; log decays are ≤ 0. */
  readonly logDecay: string;
  readonly rate: string;
  /** Recurrent, [value heads, keySize, valueSize]. */
  readonly state: string;
  readonly keySize: number;
  readonly valueSize: number;
  readonly scale: number;
  readonly normalizeEpsilon?: number;
  /** [tokens, value heads · valueSize] */
  readonly output: string;
};

export type MacroOperation =
  | AttentionOperation
  | GatedFeedForwardOperation
  | LatentAttentionOperation
  | RouterOperation
  | ExpertsOperation
  | CausalConvolutionOperation
  | GatedLinearAttentionOperation;

export type Operation = PrimitiveOperation | MacroOperation;

/** Name of an operation, as used in a backend's list of what it runs. */
export type OperationName = Operation['op'];

/**
 * Written by a strategy where a value must be whole before a non-linear use (a norm of a partial sum, a norm across a
 * split): core inserts the communication, or a mere new name. Never in a member program.
 */
export type ReplicateDirective = { readonly op: 'replicate'; readonly input: string; readonly output: string };

/** What a strategy writes. */
export type ProgramOperation = Operation | ReplicateDirective;
