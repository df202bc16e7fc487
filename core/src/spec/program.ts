/**
 * The program language: a model's computation as data, written by a sharding strategy, lowered by core for one member
 * of one stage, run by a backend.
 *
 * Two forms share the operations:
 * - `Program`: what a strategy writes for one stage, in logical (whole) widths, with symbolic cuts.
 * - `MemberProgram`: what one member runs: local widths, local weight slices, cut into segments between communication
 *   points. It is plain JSON; the native side parses exactly this.
 *
 * Every activation is a matrix of rows (one a token of the step) by columns (`width`), row-major, F32 on the wire and
 * between segments. Heads are column groups: head h of size s is columns [h·s, (h+1)·s).
 */

import type { Operation, ProgramOperation } from './operations.js';
import type { Range } from './range.js';

/**
 * How a weight is kept in a backend's memory, or in a checkpoint. Names follow the field (ggml, safetensors); the formats
 * are described in docs/checkpoints.md.
 */
export type StorageType =
  | 'f32'
  | 'f16'
  | 'bf16'
  | 'q8_0'
  | 'q4_0'
  | 'q4_1'
  | 'q5_0'
  | 'q5_1'
  | 'q4_k'
  | 'q5_k'
  | 'q6_k'
  | 'mxfp4';

/**
 * A weight as a function of checkpoint tensors. The set is closed, so that a loader can turn any expression into byte
 * ranges without running code. Axes count from 0; shapes are row-major, as in the checkpoint.
 */
export type WeightExpression =
  | { readonly kind: 'tensor'; readonly name: string }
  | { readonly kind: 'slice'; readonly input: WeightExpression; readonly axis: number; readonly range: Range }
  | { readonly kind: 'concat'; readonly inputs: readonly WeightExpression[]; readonly axis: number }
  /** Joins equal shapes along a new axis 0. */
  | { readonly kind: 'stack'; readonly inputs: readonly WeightExpression[] }
  /** Takes elements start, start + step, … of one axis (interleaved gate/up). */
  | {
      readonly kind: 'stride';
      readonly input: WeightExpression;
      readonly axis: number;
      readonly start: number;
      readonly step: number;
    }
  /** Swaps the last two axes. */
  | { readonly kind: 'transpose'; readonly input: WeightExpression }
  /** Output axis i is input axis order[i]. */
  | { readonly kind: 'permute'; readonly input: WeightExpression; readonly order: readonly number[] }
  | { readonly kind: 'reshape'; readonly input: WeightExpression; readonly shape: readonly number[] }
  | { readonly kind: 'convert'; readonly input: WeightExpression; readonly to: StorageType };

/**
 * `matrix`: used by linears, may be quantized. `embedding`: rows are looked up (and perhaps multiplied, when tied), may
 * be quantized. `vector`: norms, biases, sinks, small kernels, routers; always kept in F32, whatever the number of axes.
 */
export type WeightRole = 'matrix' | 'embedding' | 'vector';

/** How a logical weight is spread over the members of a stage. `unit`: elements of the axis per unit of the cut. */
export type WeightShard =
  | { readonly kind: 'replicated' }
  | { readonly kind: 'split'; readonly axis: number; readonly cut: string; readonly unit: number }
  /**
   * Held by one member only, absent elsewhere: a bias added to a partial sum. It is the first member with a part of that
   * sum (member 0 where all have one).
   */
  | { readonly kind: 'first-member' };

export interface WeightDeclaration {
  /** Logical shape. A linear's matrix is [outputs, inputs]. */
  readonly shape: readonly number[];
  readonly source: WeightExpression;
  readonly role: WeightRole;
  readonly shard: WeightShard;
}

/**
 * What a layer remembers between steps. The executable owns the storage; steps address it by slot. Key-value and latent
 * states keep a row per position: a slot can be forked and truncated at any of them. A recurrent state is known at its
 * own position only: it can be forked there or freed, and is computed again from the tokens to go back.
 */
export type StateDeclaration =
  /** One row of keys and one of values per position. `window`: positions further back are never read again. */
  | {
      readonly kind: 'key-value';
      readonly layer: number;
      readonly keyWidth: number;
      readonly valueWidth: number;
      readonly window?: number;
      readonly shard: StateShard;
    }
  /** One compressed row per position (multi-head latent attention). */
  | { readonly kind: 'latent'; readonly layer: number; readonly width: number; readonly shard: StateShard }
  /** A fixed amount per sequence (gated linear attention, causal convolution), shape row-major. */
  | {
      readonly kind: 'recurrent';
      readonly layer: number;
      readonly shape: readonly number[];
      readonly shard: RecurrentShard;
    };

export type StateShard =
  | { readonly kind: 'replicated' }
  /** Both widths are cut: `keyUnit` / `valueUnit` columns per unit of the cut (latent states are never cut). */
  | { readonly kind: 'split'; readonly cut: string; readonly keyUnit: number; readonly valueUnit: number };

export type RecurrentShard =
  | { readonly kind: 'replicated' }
  | { readonly kind: 'split'; readonly axis: number; readonly cut: string; readonly unit: number };

/** The state of a value over the members of a stage, found by propagation. */
export type ShardState =
  | { readonly kind: 'replicated' }
  /** Columns are cut: `unit` columns per unit of the cut. */
  | { readonly kind: 'split'; readonly cut: string; readonly unit: number }
  /** Every member holds a summand of the whole width. */
  | { readonly kind: 'partial' };

export type ProgramInput =
  | { readonly kind: 'tokens' }
  /** The hidden state of the previous stage, replicated. */
  | { readonly kind: 'hidden'; readonly value: string; readonly width: number };

export type ProgramOutput =
  | { readonly kind: 'hidden'; readonly value: string }
  /** One row per requested output row; may stay split over the vocabulary. */
  | { readonly kind: 'logits'; readonly value: string };

/** One stage's computation in logical widths: the same for all its members. */
export interface Program {
  readonly programVersion: number;
  readonly family: string;
  readonly layers: Range;
  /** Ranges per member, by name of the cut. All lists have one entry a member. */
  readonly cuts: Readonly<Record<string, readonly Range[]>>;
  readonly memberCount: number;
  readonly input: ProgramInput;
  readonly output: ProgramOutput;
  readonly weights: Readonly<Record<string, WeightDeclaration>>;
  readonly states: Readonly<Record<string, StateDeclaration>>;
  readonly operations: readonly ProgramOperation[];
}

/** Where members exchange a value. Happens after the segment's operations. */
export type Communication =
  /** `value` becomes, in place, the sum over members in rank order. */
  | { readonly kind: 'all-reduce-sum'; readonly value: string }
  /**
   * `output` = the members' columns of `value` side by side; `widths[m]` columns from member m. A member whose width is
   * 0 takes part without a value: `value` is then missing from its `values`.
   */
  | {
      readonly kind: 'all-gather';
      readonly value: string;
      readonly output: string;
      readonly widths: readonly number[];
    };

export interface Segment {
  readonly operations: readonly Operation[];
  readonly communication?: Communication;
}

export interface MemberWeight {
  /** Local shape. */
  readonly shape: readonly number[];
  /** The local part: slices are already inside. */
  readonly source: WeightExpression;
  readonly role: WeightRole;
  readonly storage: StorageType;
}

export type MemberState =
  | {
      readonly kind: 'key-value';
      readonly layer: number;
      readonly keyWidth: number;
      readonly valueWidth: number;
      readonly window?: number;
    }
  | { readonly kind: 'latent'; readonly layer: number; readonly width: number }
  | { readonly kind: 'recurrent'; readonly layer: number; readonly shape: readonly number[] };

/** Rows of a value: one per token of the step, or one per requested output row. */
export type ValueRows = 'tokens' | 'outputs';

export interface MemberValue {
  /** Local columns. */
  readonly width: number;
  readonly rows: ValueRows;
  /** Each column of a row is a list with one entry per visible position (scores of `visible-dots`). */
  readonly perPosition?: true;
}

export type MemberOutput =
  | { readonly kind: 'hidden'; readonly value: string }
  /** The vocabulary entries whose logits this member computes. `value` is missing from `values` where there are none. */
  | {
      readonly kind: 'logits';
      readonly value: string;
      readonly vocabularyRange: Range;
      readonly vocabularySize: number;
    };

/** What one member runs. Values with zero columns and operations on them are already removed. */
export interface MemberProgram {
  readonly programVersion: number;
  readonly family: string;
  readonly layers: Range;
  readonly member: number;
  readonly memberCount: number;
  readonly input: ProgramInput;
  readonly output: MemberOutput;
  readonly values: Readonly<Record<string, MemberValue>>;
  /**
   * Values that cross a segment's border to the driver: the input, the output, everything communicated. The position
   * in this list is the value's index in the native executable table.
   */
  readonly boundaryValues: readonly string[];
  readonly weights: Readonly<Record<string, MemberWeight>>;
  readonly states: Readonly<Record<string, MemberState>>;
  readonly segments: readonly Segment[];
}
