/** Runs small member programs on a script device, without a checkpoint. */
import assert from 'node:assert/strict';
import { decompose } from '../program/decompose.js';
import type { ScriptDevice, ScriptExecutable, Step, WeightSource } from '../spec/backend.js';
import type { Operation } from '../spec/operations.js';
import type { MemberProgram, MemberState, MemberWeight, Segment } from '../spec/program.js';
import { programVersion } from '../spec/version.js';

export type SmallWeights = Readonly<
  Record<string, { readonly shape: readonly number[]; readonly data: readonly number[] }>
>;

/** One segment from the hidden value `x` to the hidden value `y`. */
export interface SmallProgram {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly operations: readonly Operation[];
  readonly weights?: SmallWeights;
  readonly states?: Readonly<Record<string, MemberState>>;
  /** Widths of the values between. */
  readonly widths?: Readonly<Record<string, number>>;
}

export function memberProgram(small: SmallProgram): MemberProgram {
  const { inputWidth, outputWidth, operations, weights = {}, states = {}, widths = {} } = small;
  const all: Record<string, number> = { ...widths, x: inputWidth, y: outputWidth };
  const weightOf = (name: string, shape: readonly number[]): MemberWeight => ({
    shape,
    source: { kind: 'tensor', name },
    role: 'vector',
    storage: 'f32',
  });
  return {
    programVersion,
    family: 'conformance',
    layers: [0, 1],
    member: 0,
    memberCount: 1,
    input: { kind: 'hidden', value: 'x', width: inputWidth },
    output: { kind: 'hidden', value: 'y' },
    values: Object.fromEntries(Object.entries(all).map(([name, width]) => [name, { width, rows: 'tokens' }])),
    boundaryValues: ['x', 'y'],
    weights: Object.fromEntries(Object.entries(weights).map(([name, { shape }]) => [name, weightOf(name, shape)])),
    states,
    segments: [{ operations } satisfies Segment],
  };
}

/** Weights as a checkpoint gives them: the rows that were asked for, and only while a compile runs. */
class SmallWeightSource implements WeightSource {
  private isOpen = true;

  constructor(private readonly weights: SmallWeights) {}

  read(name: string, [first, end]: readonly [number, number], into: Float32Array): void {
    assert.ok(this.isOpen, `the weight '${name}' was read after the compile`);
    const weight = this.weights[name];
    assert.ok(weight, `there is no weight '${name}' to read`);
    const rows = weight.shape.length === 1 ? 1 : (weight.shape[0] ?? 1);
    const rowElements = weight.data.length / rows;
    assert.ok(first >= 0 && first <= end && end <= rows, `rows ${first} to ${end} of '${name}', which has ${rows}`);
    assert.equal(into.length, (end - first) * rowElements, `room for rows ${first} to ${end} of '${name}'`);
    into.set(weight.data.slice(first * rowElements, end * rowElements));
  }

  close(): void {
    this.isOpen = false;
  }
}

/** Compiles a program as core does: what the device does not run itself is replaced by primitives. */
export async function compileSmall(
  device: ScriptDevice,
  program: MemberProgram,
  weights: SmallWeights,
  { slotCount = 3, contextLength = 16 }: { slotCount?: number; contextLength?: number } = {},
): Promise<ScriptExecutable> {
  const source = new SmallWeightSource(weights);
  const options = { slotCount, contextLength, stateStorage: 'f32', maximumStepTokens: 16 } as const;
  try {
    return await device.compile(decompose(program, new Set(device.operations)), source, options);
  } finally {
    source.close();
  }
}

/** The rows of one sequence in a step. */
export interface SequenceRows {
  readonly slot: number;
  readonly startPosition: number;
  readonly rows: readonly (readonly number[])[];
}

export class ScriptRunner {
  private constructor(
    private readonly outputWidth: number,
    readonly executable: ScriptExecutable,
  ) {}

  static async compile(
    device: ScriptDevice,
    small: SmallProgram,
    options: { slotCount?: number; contextLength?: number } = {},
  ): Promise<ScriptRunner> {
    const executable = await compileSmall(device, memberProgram(small), small.weights ?? {}, options);
    return new ScriptRunner(small.outputWidth, executable);
  }

  /** Runs one step over rows of `x` and gives the rows of `y`. */
  run(sequences: readonly SequenceRows[]): number[][] {
    const step: Step = {
      sequences: sequences.map(({ slot, startPosition, rows }) => ({
        slot,
        startPosition,
        tokenCount: rows.length,
        outputRows: 0,
      })),
      tokens: new Uint32Array(sequences.reduce((sum, { rows }) => sum + rows.length, 0)),
    };
    const x = Float32Array.from(sequences.flatMap(({ rows }) => rows.flat()));
    const y = new Float32Array(step.tokens.length * this.outputWidth);
    this.executable.beginStep(step);
    this.executable.execute(
      0,
      new Map([
        ['x', x],
        ['y', y],
      ]),
    );
    this.executable.endStep();
    return rowsOf(y, this.outputWidth);
  }
}

/** Numbers, row after row, as lists. */
export function rowsOf(data: Float32Array, width: number): number[][] {
  return Array.from({ length: data.length / width }, (_, row) => [...data.subarray(row * width, (row + 1) * width)]);
}
