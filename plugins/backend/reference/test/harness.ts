/** Runs a handful of operations on the reference backend, without a checkpoint. */

import { referenceBackendWorker } from '@shoal/backend-reference';
import {
  type MemberProgram,
  type MemberState,
  type Operation,
  programVersion,
  type ScriptDevice,
  type ScriptExecutable,
  type Step,
  type WeightSource,
} from '@shoal/core';

export interface Weights {
  readonly [name: string]: { readonly shape: readonly number[]; readonly data: readonly number[] };
}

export interface SmallProgram {
  readonly inputWidth: number;
  readonly outputWidth: number;
  readonly operations: readonly Operation[];
  readonly weights?: Weights;
  readonly states?: Readonly<Record<string, MemberState>>;
  /** Widths of further values that decomposition asks for. */
  readonly widths?: Readonly<Record<string, number>>;
}

/** One segment from the hidden value `x` to the hidden value `y`. */
export function memberProgram({
  inputWidth,
  outputWidth,
  operations,
  weights = {},
  states = {},
  widths = {},
}: SmallProgram): MemberProgram {
  const all: Record<string, number> = { ...widths, x: inputWidth, y: outputWidth };
  return {
    programVersion,
    family: 'test',
    layers: [0, 1],
    member: 0,
    memberCount: 1,
    input: { kind: 'hidden', value: 'x', width: inputWidth },
    output: { kind: 'hidden', value: 'y' },
    values: Object.fromEntries(Object.entries(all).map(([name, width]) => [name, { width, rows: 'tokens' as const }])),
    boundaryValues: ['x', 'y'],
    weights: Object.fromEntries(
      Object.entries(weights).map(([name, { shape }]) => [
        name,
        { shape, source: { kind: 'tensor', name } as const, role: 'vector', storage: 'f32' } as const,
      ]),
    ),
    states,
    segments: [{ operations }],
  };
}

const sourceOf = (weights: Weights): WeightSource => ({
  read: (name, _rows, into) => into.set(weights[name]?.data ?? []),
});

export class Runner {
  private constructor(
    private readonly program: MemberProgram,
    readonly executable: ScriptExecutable,
  ) {}

  static async of(small: SmallProgram, slotCount = 3, contextLength = 16): Promise<Runner> {
    const device = (await referenceBackendWorker().open('reference', {})) as ScriptDevice;
    const program = memberProgram(small);
    const options = { slotCount, contextLength, stateStorage: 'f32', maximumStepTokens: 16 } as const;
    return new Runner(program, await device.compile(program, sourceOf(small.weights ?? {}), options));
  }

  /** Runs one step over rows of `x` and gives the rows of `y`. */
  run(sequences: readonly { slot: number; startPosition: number; rows: readonly (readonly number[])[] }[]): number[][] {
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
    const width = this.program.values.y?.width as number;
    const y = new Float32Array(step.tokens.length * width);
    this.executable.beginStep(step);
    this.executable.execute(
      0,
      new Map([
        ['x', x],
        ['y', y],
      ]),
    );
    this.executable.endStep();
    return Array.from({ length: step.tokens.length }, (_, row) => [...y.subarray(row * width, (row + 1) * width)]);
  }
}

/** Runs one operation on one row. */
export async function runRow(
  small: Omit<SmallProgram, 'inputWidth' | 'outputWidth'>,
  row: readonly number[],
  outputWidth = row.length,
): Promise<number[]> {
  const runner = await Runner.of({ ...small, inputWidth: row.length, outputWidth });
  return runner.run([{ slot: 0, startPosition: 0, rows: [row] }])[0] as number[];
}
