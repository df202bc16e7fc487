/** What a member computes with beside its weights and states: read off its program. */
import { valueInputs, valueOutputs } from '../program/operation-fields.js';
import { stepTokens } from '../program/step-tokens.js';
import { storageBytesPerElement } from '../program/storage.js';
import type { Operation } from '../spec/operations.js';
import type { MemberProgram, MemberWeight, StorageType } from '../spec/program.js';
import type { LayerCosts, ModelCosts } from '../spec/sharding.js';

export interface WorkSettings {
  readonly contextLength: number;
  readonly slotCount: number;
}

const floatBytes = storageBytesPerElement.f32;
/** Of half precision, and once more where the processor writes it before it goes to the device. */
const maskBytesPerPosition = 4;
/** Products of quantized weights take their other side in blocks of 8 bits, those of half precision in half precision. */
const inputBytes: Readonly<Partial<Record<StorageType, number>>> = { f32: 0, f16: 2, bf16: 2 };
const quantizedInputBytes = storageBytesPerElement.q8_0;
/** A token with its logit, of every entry of the vocabulary. */
const candidateBytes = 8;

/** Bytes of the largest step: the values that are alive at once, what products make of their inputs, and masks. */
export function stepBytes(program: MemberProgram, settings: WorkSettings): number {
  const rows = stepTokens(settings);
  return aliveBytes(program, settings, rows) + inputCopyBytes(program, rows) + maskBytes(program, settings, rows);
}

/** The same before there is a program: what the widest layer multiplies with is what it makes, about. */
export function estimatedStepBytes(costs: ModelCosts, settings: WorkSettings): number {
  const rows = stepTokens(settings);
  const widest = Math.max(0, ...costs.layers.map((layer) => activeElements(layer) / costs.hiddenWidth));
  const logits = settings.slotCount * costs.vocabularySize * (floatBytes + candidateBytes);
  return (
    rows * (widest + costs.hiddenWidth) * floatBytes + rows * settings.contextLength * maskBytesPerPosition + logits
  );
}

/** Elements of the matrices that one row goes through: less than all where experts are chosen. */
function activeElements({ matrixElements, flopsPerToken }: LayerCosts): number {
  return flopsPerToken > 0 ? Math.min(matrixElements, flopsPerToken / 2) : matrixElements;
}

/** Values live from the operation that makes them to the last that reads them; the output to the end. */
function aliveBytes(program: MemberProgram, { contextLength, slotCount }: WorkSettings, rows: number): number {
  const operations = program.segments.flatMap((segment) => segment.operations);
  const names = operations.map((operation) => ({
    made: valueOutputs(operation),
    read: valueInputs(operation),
  }));
  const lastUse = new Map<string, number>();
  for (const [index, { made, read }] of names.entries()) {
    for (const name of made) lastUse.set(name, index);
    for (const name of read) lastUse.set(name, index);
  }
  lastUse.set(program.output.value, operations.length);
  const outputRows = Math.min(rows, slotCount);
  const bytesOf = (name: string): number => {
    const value = program.values[name];
    if (value === undefined) return 0;
    const columns = value.perPosition === true ? value.width * contextLength : value.width;
    return columns * (value.rows === 'outputs' ? outputRows : rows) * floatBytes;
  };
  let alive = program.input.kind === 'hidden' ? bytesOf(program.input.value) : 0;
  let most = alive;
  /** Each name ends once, also where an operation reads it twice. */
  const end = (name: string, index: number): void => {
    if (lastUse.get(name) !== index) return;
    lastUse.delete(name);
    alive -= bytesOf(name);
  };
  for (const [index, { made, read }] of names.entries()) {
    for (const name of made) alive += bytesOf(name);
    most = Math.max(most, alive + withinBytes(program, operations[index] as Operation, rows));
    for (const name of made) end(name, index);
    for (const name of read) end(name, index);
  }
  const { output } = program;
  return output.kind === 'logits' ? most + output.vocabularySize * slotCount * candidateBytes : most;
}

/** What a macro operation makes on its way: gate, up, and their product. */
function withinBytes({ weights, values }: MemberProgram, operation: Operation, rows: number): number {
  if (operation.op === 'gated-feed-forward') return 3 * (weights[operation.gate]?.shape[0] ?? 0) * rows * floatBytes;
  if (operation.op !== 'experts') return 0;
  const chosen = values[operation.indices]?.width ?? 1;
  return 3 * (weights[operation.gate]?.shape[1] ?? 0) * chosen * rows * floatBytes;
}

function inputCopyBytes(program: MemberProgram, rows: number): number {
  const copied = ({ role, shape, storage }: MemberWeight): number =>
    role === 'vector' ? 0 : (shape.at(-1) ?? 0) * (inputBytes[storage] ?? quantizedInputBytes);
  return rows * Math.max(0, ...Object.values(program.weights).map(copied));
}

/** One for each window that operations look through, and one where some look at everything. */
function maskBytes(program: MemberProgram, { contextLength }: WorkSettings, rows: number): number {
  const windows = new Set(
    program.segments.flatMap(({ operations }) =>
      operations.flatMap((one) => (one.op === 'attention' || one.op === 'latent-attention' ? [windowOf(one)] : [])),
    ),
  );
  return windows.size * rows * contextLength * maskBytesPerPosition;
}

const windowOf = (operation: Operation): number | undefined => ('window' in operation ? operation.window : undefined);
