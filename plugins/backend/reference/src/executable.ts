import {
  type CompileOptions,
  decompose,
  type MemberProgram,
  type MemberValue,
  type ScriptExecutable,
  type Segment,
  ShoalError,
  type SlotOperation,
  type Step,
  valueOutputs,
  type WeightSource,
} from '@shoal/core';
import type { Frame, StepRow } from './frame.js';
import { primitives, runOperation } from './kernels/all.js';
import { Slots } from './slots.js';
import type { Matrix, PositionLists, Weight } from './values.js';

const failed = (problem: string, cause?: unknown): ShoalError =>
  new ShoalError('BACKEND_FAILED', `reference backend: ${problem}`, { cause });

const product = (sizes: readonly number[]): number => sizes.reduce((result, size) => result * size, 1);

function readWeights(program: MemberProgram, source: WeightSource): Map<string, Weight> {
  return new Map(
    Object.entries(program.weights).map(([name, { shape }]) => {
      const data = new Float32Array(product(shape));
      source.read(name, [0, shape.length === 1 ? 1 : (shape[0] as number)], data);
      return [name, { shape, data }];
    }),
  );
}

/** The step that is running: its rows and the values made so far. */
interface RunningStep {
  readonly step: Step;
  readonly rows: readonly StepRow[];
  readonly outputRows: readonly number[];
  readonly values: Map<string, Matrix | PositionLists>;
  readonly frame: Frame;
}

/** A member program that runs in plain TypeScript: macros are decomposed, primitives are interpreted one by one. */
export class ReferenceExecutable implements ScriptExecutable {
  private readonly program: MemberProgram;
  private readonly weights: Map<string, Weight>;
  private readonly slots: Slots;
  private readonly boundaryNames: ReadonlySet<string>;
  private running: RunningStep | undefined;

  constructor(
    program: MemberProgram,
    source: WeightSource,
    private readonly options: CompileOptions,
  ) {
    this.program = decompose(program, primitives);
    this.weights = readWeights(this.program, source);
    this.slots = new Slots(this.program.states, options.slotCount, options.contextLength);
    this.boundaryNames = new Set(this.program.boundaryValues);
  }

  slotOperation(operation: SlotOperation): void {
    this.slots.apply(operation);
  }

  beginStep(step: Step): void {
    if (this.running !== undefined) throw failed('a step begins before the last one ended');
    const rows: StepRow[] = [];
    const outputRows: number[] = [];
    const sequences = step.sequences.map((sequence) => {
      const { slot, startPosition, tokenCount, outputRows: outputs } = sequence;
      this.slots.begin(slot, startPosition, tokenCount);
      const firstRow = rows.length;
      for (let index = 0; index < tokenCount; index += 1) {
        rows.push({ slot, position: startPosition + index, token: step.tokens[firstRow + index] ?? 0 });
        if (index >= tokenCount - outputs) outputRows.push(firstRow + index);
      }
      return { ...sequence, firstRow };
    });
    if (rows.length > this.options.maximumStepTokens) {
      throw failed(`a step of ${rows.length} tokens, at most ${this.options.maximumStepTokens} were agreed`);
    }
    const values = new Map<string, Matrix | PositionLists>();
    this.running = { step, rows, outputRows, values, frame: this.frameOf({ rows, outputRows, sequences }, values) };
  }

  private frameOf(
    step: Pick<Frame, 'rows' | 'outputRows' | 'sequences'>,
    values: Map<string, Matrix | PositionLists>,
  ): Frame {
    const find = (name: string): Matrix | PositionLists => {
      const value = values.get(name);
      if (value === undefined) throw failed(`value '${name}' is not there yet`);
      return value;
    };
    const weight = (name: string): Weight => {
      const found = this.weights.get(name);
      if (found === undefined) throw failed(`there is no weight '${name}'`);
      return found;
    };
    return {
      ...step,
      matrix: (name) => find(name) as Matrix,
      lists: (name) => find(name) as PositionLists,
      weight,
      optionalWeight: (name) => (name === undefined ? undefined : weight(name)),
      rowState: (state, part, slot) => this.slots.rows(state, part, slot),
      recurrentState: (state, slot) => this.slots.recurrent(state, slot),
      rowCountOf: (value) => this.rowCount(value, step),
      put: (name, value) => values.set(name, value),
    };
  }

  private rowCount(value: string, step: Pick<Frame, 'rows' | 'outputRows'>): number {
    return this.program.values[value]?.rows === 'outputs' ? step.outputRows.length : step.rows.length;
  }

  execute(index: number, boundary: ReadonlyMap<string, Float32Array>): void {
    const segment = this.program.segments[index];
    const { running } = this;
    if (segment === undefined || running === undefined) throw failed(`cannot run segment ${index} now`);
    for (const name of this.arrivals(index)) this.load(name, boundary, running);
    for (const operation of segment.operations) {
      try {
        runOperation(operation, running.frame);
      } catch (error) {
        throw ShoalError.is(error)
          ? error
          : failed(`${operation.op} → ${valueOutputs(operation).join(', ')}: ${String(error)}`, error);
      }
      for (const name of valueOutputs(operation)) if (this.boundaryNames.has(name)) this.store(name, boundary, running);
    }
  }

  /** Boundary values that the driver filled in since the last segment: what others see, rounded to F32. */
  private arrivals(index: number): string[] {
    if (index === 0) return this.program.input.kind === 'hidden' ? [this.program.input.value] : [];
    const { communication } = this.program.segments[index - 1] as Segment;
    if (communication === undefined) return [];
    return [communication.kind === 'all-gather' ? communication.output : communication.value];
  }

  private bufferOf(
    name: string,
    boundary: ReadonlyMap<string, Float32Array>,
    running: RunningStep,
  ): { buffer: Float32Array; value: MemberValue } {
    const value = this.program.values[name];
    const buffer = boundary.get(name);
    const expected = (value?.width ?? 0) * this.rowCount(name, running);
    if (value === undefined || buffer === undefined || buffer.length < expected) {
      throw failed(`boundary value '${name}' needs ${expected} elements, ${buffer?.length ?? 0} are there`);
    }
    return { buffer: buffer.subarray(0, expected), value };
  }

  private load(name: string, boundary: ReadonlyMap<string, Float32Array>, running: RunningStep): void {
    const { buffer, value } = this.bufferOf(name, boundary, running);
    running.values.set(name, {
      rows: buffer.length / value.width,
      width: value.width,
      data: Float64Array.from(buffer),
    });
  }

  private store(name: string, boundary: ReadonlyMap<string, Float32Array>, running: RunningStep): void {
    const { buffer } = this.bufferOf(name, boundary, running);
    buffer.set((running.values.get(name) as Matrix).data);
  }

  endStep(): void {
    if (this.running === undefined) throw failed('no step is running');
    for (const { slot, tokenCount } of this.running.step.sequences) this.slots.advance(slot, tokenCount);
    this.running = undefined;
  }

  release(): void {
    this.weights.clear();
    this.running = undefined;
  }
}
