import type { Operation } from '../spec/operations.js';
import type { Program, ShardState } from '../spec/program.js';
import type { Range } from '../spec/range.js';

/** What the rules of an operation may ask and order. */
export interface ShardContext {
  readonly program: Program;
  readonly path: string;
  state(value: string): ShardState;
  width(value: string): number;
  /** Asks that the operation see the value replicated: gathers a split one, rejects a partial one. */
  gather(value: string): void;
  /** Asks that a partial value be summed before the operation. */
  reduce(value: string): void;
}

/** Whether two members hold the same unit of a cut: then neither sums nor gathers over it are right. */
export function cutOverlaps(ranges: readonly Range[]): boolean {
  const sorted = ranges.filter(([from, to]) => from < to).sort((a, b) => a[0] - b[0]);
  return sorted.some(([from], index) => index > 0 && from < (sorted[index - 1] as Range)[1]);
}

export type Split = Extract<ShardState, { kind: 'split' }>;
export type OperationOf<Name extends Operation['op']> = Extract<Operation, { op: Name }>;

export const replicated: ShardState = { kind: 'replicated' };
export const partial: ShardState = { kind: 'partial' };
export const split = (cut: string, unit: number): Split => ({ kind: 'split', cut, unit });

/** A state for messages. */
export const describeState = (state: ShardState): string =>
  state.kind === 'split' ? `split by '${state.cut}' in units of ${state.unit}` : state.kind;
