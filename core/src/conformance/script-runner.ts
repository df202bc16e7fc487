/** Runs small member programs on a script device, without a checkpoint. */
import type { ScriptDevice, ScriptExecutable, Step, WeightSource } from '../spec/backend.js';
import type { Operation } from '../spec/operations.js';
import type { MemberProgram, MemberState, MemberWeight } from '../spec/program.js';
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

function memberProgram(small: SmallProgram): MemberProgram {
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
    segments: [{ operations }],
  };
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
    { slotCount = 3, contextLength = 16 }: { slotCount?: number; contextLength?: number } = {},
  ): Promise<ScriptRunner> {
    const source: WeightSource = { read: (name, _rows, into) => into.set(small.weights?.[name]?.data ?? []) };
    const options = { slotCount, contextLength, stateStorage: 'f32', maximumStepTokens: 16 } as const;
    return new ScriptRunner(small.outputWidth, await device.compile(memberProgram(small), source, options));
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
    const rowOf = (row: number): number[] => [...y.subarray(row * this.outputWidth, (row + 1) * this.outputWidth)];
    return Array.from({ length: step.tokens.length }, (_, row) => rowOf(row));
  }
}
