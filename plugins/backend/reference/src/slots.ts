import { type MemberState, ShoalError, type SlotOperation } from '@shoal/core';

const failed = (problem: string): ShoalError => new ShoalError('BACKEND_FAILED', `reference backend: ${problem}`);

/** One row per position of one sequence; grows as positions are written. */
export class RowState {
  private data = new Float64Array(0);

  constructor(readonly width: number) {}

  write(position: number, values: Float64Array): void {
    const needed = (position + 1) * this.width;
    if (needed > this.data.length) {
      const grown = new Float64Array(Math.max(needed, this.data.length * 2));
      grown.set(this.data);
      this.data = grown;
    }
    this.data.set(values, position * this.width);
  }

  /** Columns [from, to) of a position's row. */
  read(position: number, from = 0, to = this.width): Float64Array {
    return this.data.subarray(position * this.width + from, position * this.width + to);
  }

  copy(length: number): RowState {
    const copy = new RowState(this.width);
    copy.data = this.data.slice(0, length * this.width);
    return copy;
  }
}

/** A fixed amount of numbers per sequence: what it held after the last row. */
export class RecurrentState {
  readonly data: Float64Array;

  constructor(readonly shape: readonly number[]) {
    this.data = new Float64Array(shape.reduce((product, size) => product * size, 1));
  }

  copy(): RecurrentState {
    const copy = new RecurrentState(this.shape);
    copy.data.set(this.data);
    return copy;
  }
}

/** What one slot holds of one declared state. */
export type SlotState = { readonly parts: ReadonlyMap<string, RowState> } | { readonly recurrent: RecurrentState };

function emptyState(declared: MemberState): SlotState {
  switch (declared.kind) {
    case 'key-value':
      return {
        parts: new Map([
          ['keys', new RowState(declared.keyWidth)],
          ['values', new RowState(declared.valueWidth)],
        ]),
      };
    case 'latent':
      return { parts: new Map([['rows', new RowState(declared.width)]]) };
    case 'recurrent':
      return { recurrent: new RecurrentState(declared.shape) };
  }
}

/** One sequence's states and how many positions they hold. */
class Slot {
  length = 0;
  readonly states: Map<string, SlotState>;

  constructor(private readonly declared: Readonly<Record<string, MemberState>>) {
    this.states = new Map(Object.entries(declared).map(([name, state]) => [name, emptyState(state)]));
  }

  /** The first `length` positions of this slot. A recurrent state is only known at its own length. */
  copy(length: number): Slot {
    const copy = new Slot(this.declared);
    copy.length = length;
    if (length === 0) return copy;
    for (const [name, state] of this.states) {
      if ('parts' in state) {
        copy.states.set(name, { parts: new Map([...state.parts].map(([part, rows]) => [part, rows.copy(length)])) });
      } else if (length === this.length) {
        copy.states.set(name, { recurrent: state.recurrent.copy() });
      } else {
        throw failed(`recurrent state '${name}' at position ${this.length} cannot go back to ${length}`);
      }
    }
    return copy;
  }
}

/** The state storage of an executable: slots behind free, truncate and fork. */
export class Slots {
  private readonly slots: Slot[];

  constructor(
    private readonly declared: Readonly<Record<string, MemberState>>,
    slotCount: number,
    private readonly contextLength: number,
  ) {
    this.slots = Array.from({ length: slotCount }, () => new Slot(declared));
  }

  private at(index: number): Slot {
    const slot = this.slots[index];
    if (slot === undefined) throw failed(`there is no slot ${index} of ${this.slots.length}`);
    return slot;
  }

  private replace(index: number, slot: Slot): void {
    this.at(index);
    this.slots[index] = slot;
  }

  apply(operation: SlotOperation): void {
    switch (operation.kind) {
      case 'free':
        this.replace(operation.slot, new Slot(this.declared));
        return;
      case 'truncate':
        this.replace(operation.slot, this.prefix(operation.slot, operation.length));
        return;
      case 'fork':
        this.replace(operation.to, this.prefix(operation.from, operation.length));
        return;
    }
  }

  private prefix(index: number, length: number): Slot {
    const slot = this.at(index);
    if (length < 0 || length > slot.length) throw failed(`slot ${index} holds ${slot.length} positions, not ${length}`);
    return slot.copy(length);
  }

  /** Checks that a sequence goes on where its slot ends. */
  begin(index: number, startPosition: number, tokenCount: number): void {
    const slot = this.at(index);
    if (slot.length !== startPosition)
      throw failed(`slot ${index} holds ${slot.length} positions, the step starts at ${startPosition}`);
    if (startPosition + tokenCount > this.contextLength) {
      throw failed(`slot ${index} would hold ${startPosition + tokenCount} positions of at most ${this.contextLength}`);
    }
  }

  /** Makes the positions of a finished step part of the slot. */
  advance(index: number, tokenCount: number): void {
    this.at(index).length += tokenCount;
  }

  rows(name: string, part: string, index: number): RowState {
    const state = this.at(index).states.get(name);
    const rows = state !== undefined && 'parts' in state ? state.parts.get(part) : undefined;
    if (rows === undefined) throw failed(`state '${name}' has no part '${part}'`);
    return rows;
  }

  recurrent(name: string, index: number): RecurrentState {
    const state = this.at(index).states.get(name);
    if (state === undefined || !('recurrent' in state)) throw failed(`state '${name}' is not recurrent`);
    return state.recurrent;
  }
}
