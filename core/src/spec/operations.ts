/**
 * The operations of a program, in two levels. Primitives are what every backend aims to run; macro operations have a
 * normative decomposition into primitives (`core/src/program/decompose.ts`) and are a backend's fast paths, so that a
 * new family needs no native change to work.
 *
 * Fields named `input`, `left`, `query`, … name values; `weight`, `bias`, … name weights; `state` names a state.
 * `groupSize` divides the columns of a value into equal groups (heads); absent means one group of all columns.
 */

export type ElementwiseFunction =
  | 'silu'
  | 'gelu'
  | 'gelu-tanh'
  | 'sigmoid'
  | 'softplus'
  | 'relu'
  | 'tanh'
  | 'exp'
  | 'negate';

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
  /** Multiplies or adds a weight vector to each row; in a group-wise form the vector repeats per group. */
  | {
      readonly op: 'multiply-vector' | 'add-vector';
      readonly input: string;
      readonly weight: string;
      readonly output: string;
    }
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
  | { readonly op: 'sum-groups'; readonly input: string; readonly groupSize: number; readonly output: string }
  /** A value of zeros with the rows of the step. */
  | { readonly op: 'zeros'; readonly width: number; readonly output: string };

/** Macro operations of the Llama class; further families extend this union. */
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

export type MacroOperation = AttentionOperation | GatedFeedForwardOperation;

export type Operation = PrimitiveOperation | MacroOperation;

/** Name of an operation, as used in a backend's list of what it runs. */
export type OperationName = Operation['op'];
