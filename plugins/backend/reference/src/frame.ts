import type { Operation, StepSequence } from '@shoal/core';
import type { RecurrentState, RowState } from './slots.js';
import type { Matrix, PositionLists, Weight } from './values.js';

/** One row of a step. */
export interface StepRow {
  readonly slot: number;
  readonly position: number;
  readonly token: number;
}

/** What a kernel sees of the step that is running. */
export interface Frame {
  readonly rows: readonly StepRow[];
  /** Indices of the rows whose logits are asked for. */
  readonly outputRows: readonly number[];
  /** The step's sequences, each with the index of its first row. */
  readonly sequences: readonly (StepSequence & { readonly firstRow: number })[];
  matrix(name: string): Matrix;
  lists(name: string): PositionLists;
  weight(name: string): Weight;
  optionalWeight(name: string | undefined): Weight | undefined;
  rowState(state: string, part: 'keys' | 'values' | 'rows', slot: number): RowState;
  recurrentState(state: string, slot: number): RecurrentState;
  /** Rows that a value of this program has: all of the step, or the output rows. */
  rowCountOf(value: string): number;
  put(name: string, value: Matrix | PositionLists): void;
}

/** Runs one kind of operation: reads its operands from the frame and puts its results there. */
export type Kernel<Name extends Operation['op']> = (operation: Extract<Operation, { op: Name }>, frame: Frame) => void;

export type Kernels<Name extends Operation['op']> = { readonly [Op in Name]: Kernel<Op> };
