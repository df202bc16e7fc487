/** A shard of a model, loaded: its weights, the memory of its sequences, and the way of a step through its operations. */
import {
  type CompileOptions,
  type MemberProgram,
  type ScriptExecutable,
  ShoalError,
  type SlotOperation,
  type Step,
  type WeightSource,
} from '@shoal/core';
import { type Cache, type Row, run, type SupportedOperation, type Value, type Weight } from './operations.js';

const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1);

export class ExampleExecutable implements ScriptExecutable {
  private readonly weights = new Map<string, Weight>();
  private readonly caches = new Map<string, Cache>();
  private values = new Map<string, Value>();
  private rows: readonly Row[] = [];
  private outputRows: readonly number[] = [];

  constructor(
    private readonly program: MemberProgram,
    source: WeightSource,
    private readonly options: CompileOptions,
  ) {
    // Weights can be read only now. They come as 32-bit floats, whatever the checkpoint stores.
    for (const [name, { shape }] of Object.entries(program.weights)) {
      const data = new Float32Array(product(shape));
      source.read(name, [0, shape.length === 1 ? 1 : (shape[0] as number)], data);
      this.weights.set(name, { shape, data });
    }
    const { slotCount, contextLength } = options;
    for (const [name, state] of Object.entries(program.states)) {
      if (state.kind !== 'key-value') {
        throw new ShoalError('PROGRAM_OPERATION_UNSUPPORTED', `the example backend keeps no ${state.kind} states`);
      }
      const { keyWidth, valueWidth } = state;
      const keys = new Float32Array(slotCount * contextLength * keyWidth);
      const values = new Float32Array(slotCount * contextLength * valueWidth);
      this.caches.set(name, { contextLength, keyWidth, valueWidth, keys, values });
    }
  }

  slotOperation(operation: SlotOperation): void {
    // What a slot holds is known by the positions of the steps that use it: to forget is to do nothing.
    if (operation.kind !== 'fork') return;
    const { from, to, length } = operation;
    for (const { contextLength, keyWidth, valueWidth, keys, values } of this.caches.values()) {
      const copy = (data: Float32Array, width: number) => {
        const start = from * contextLength * width;
        data.copyWithin(to * contextLength * width, start, start + length * width);
      };
      copy(keys, keyWidth);
      copy(values, valueWidth);
    }
  }

  beginStep(step: Step): void {
    const rows: Row[] = [];
    const outputRows: number[] = [];
    for (const { slot, startPosition, tokenCount, outputRows: wanted } of step.sequences) {
      if (startPosition + tokenCount > this.options.contextLength) {
        const message = `slot ${slot} has no room for position ${startPosition + tokenCount - 1}`;
        throw new ShoalError('BACKEND_FAILED', message);
      }
      for (let index = 0; index < tokenCount; index += 1) {
        if (index >= tokenCount - wanted) outputRows.push(rows.length);
        rows.push({ slot, position: startPosition + index, token: step.tokens[rows.length] ?? 0 });
      }
    }
    this.rows = rows;
    this.outputRows = outputRows;
    this.values = new Map();
  }

  execute(segment: number, boundary: ReadonlyMap<string, Float32Array>): void {
    const step = {
      rows: this.rows,
      outputRows: this.outputRows,
      // Values that the members of a stage exchange are read where the exchange left them.
      value: (name: string): Value => {
        const data = boundary.get(name);
        if (data) return { width: this.program.values[name]?.width ?? 0, data };
        return found(this.values.get(name), `value '${name}'`);
      },
      weight: (name: string) => found(this.weights.get(name), `weight '${name}'`),
      cache: (name: string) => found(this.caches.get(name), `state '${name}'`),
    };
    for (const operation of this.program.segments[segment]?.operations ?? []) {
      // Core has replaced what `supportedOperations` does not list.
      const supported = operation as SupportedOperation;
      const result = run(supported, step);
      const shared = boundary.get(supported.output);
      if (shared) shared.set(result.data);
      else this.values.set(supported.output, result);
    }
  }

  endStep(): void {
    this.values.clear();
  }

  release(): void {
    this.weights.clear();
    this.caches.clear();
  }
}

function found<T>(thing: T | undefined, what: string): T {
  if (thing === undefined) throw new ShoalError('BACKEND_FAILED', `there is no ${what}`);
  return thing;
}
