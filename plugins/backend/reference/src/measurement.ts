import {
  type DeviceMeasurement,
  type MeasureOptions,
  type MemberProgram,
  type ScriptExecutable,
  ShoalError,
} from '@shoal/core';
import { ReferenceExecutable } from './executable.js';

const width = 128;
const promptRows = 16;
const bareOperations = 32;
const rounds = 8;

/**
 * Times the interpreter on a matrix, by one row and by several. Whatever weights are stored in, it computes with numbers
 * of four bytes: what differs is how many stored bytes they stand for, of which it takes no note.
 */
export async function measureReference({ storageTypes, signal }: MeasureOptions): Promise<DeviceMeasurement> {
  const matrixProgram = program(['output'], [{ op: 'linear', input: 'input', weight: 'matrix', output: 'output' }]);
  const decode = await typicalSeconds(matrixProgram, 1, signal);
  const prefill = await typicalSeconds(matrixProgram, promptRows, signal);
  const chain = Array.from({ length: bareOperations }, (_, index) => `value${index}`).concat('output');
  const scale = (output: string, index: number) =>
    ({ op: 'scale', input: chain[index - 1] ?? 'input', factor: 1, output }) as const;
  const bare = await typicalSeconds(program(chain, chain.map(scale)), 1, signal);
  const rate = {
    decodeBytesPerSecond: { value: (4 * width * width) / decode, source: 'measured' },
    prefillOperationsPerSecond: { value: (2 * width * width * promptRows) / prefill, source: 'measured' },
  } as const;
  return {
    rates: storageTypes.map((storage) => ({ storage, ...rate, oneCore: rate })),
    memoryBandwidthBytesPerSecond: { unknown: 'the reference backend is bound by computation' },
    operationOverheadMicroseconds: { value: (bare / chain.length) * 1e6, source: 'measured' },
  };
}

function program(
  outputs: readonly string[],
  operations: MemberProgram['segments'][number]['operations'],
): MemberProgram {
  return {
    programVersion: 1,
    family: 'measurement',
    layers: [0, 1],
    member: 0,
    memberCount: 1,
    input: { kind: 'hidden', value: 'input', width },
    output: { kind: 'hidden', value: 'output' },
    values: Object.fromEntries(['input', ...outputs].map((name) => [name, { width, rows: 'tokens' }])),
    boundaryValues: ['input', 'output'],
    weights: {
      matrix: {
        shape: [width, width],
        source: { kind: 'tensor', name: 'noise' },
        role: 'matrix',
        storage: 'f32',
      },
    },
    states: {},
    segments: [{ operations }],
  };
}

/** Seconds of a step, of several the median. The event loop turns between two steps. */
async function typicalSeconds(program: MemberProgram, rows: number, signal: AbortSignal | undefined): Promise<number> {
  const weights = { read: (_name: string, _rows: unknown, into: Float32Array) => void into.fill(0.01) };
  const options = { slotCount: 1, contextLength: rows, stateStorage: 'f32', maximumStepTokens: rows } as const;
  const executable: ScriptExecutable = new ReferenceExecutable(program, weights, options);
  const boundary = new Map([
    ['input', new Float32Array(rows * width).fill(0.5)],
    ['output', new Float32Array(rows * width)],
  ]);
  const step = {
    sequences: [{ slot: 0, startPosition: 0, tokenCount: rows, outputRows: 0 }],
    tokens: new Uint32Array(rows),
  };
  const seconds: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    if (signal?.aborted) throw ShoalError.from(signal.reason, 'ABORTED');
    const started = performance.now();
    executable.slotOperation({ kind: 'free', slot: 0 });
    executable.beginStep(step);
    executable.execute(0, boundary);
    executable.endStep();
    seconds.push((performance.now() - started) / 1000);
    await new Promise((resolve) => setImmediate(resolve));
  }
  executable.release();
  const sorted = seconds.toSorted((left, right) => left - right);
  return Math.max(sorted[Math.floor(rounds / 2)] ?? 0, 1e-9);
}
