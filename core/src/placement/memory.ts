/**
 * How much memory a part of a model takes. Two precisions: estimates from a model's costs guide the search; figures from
 * a member's lowered program are exact and decide.
 */
import { isStorageType, storageBlock, storageBytesPerElement } from '../program/storage.js';
import type { BackendCapabilities } from '../spec/backend.js';
import type { CheckpointTensor } from '../spec/model.js';
import type { MemberProgram, MemberState, StorageType } from '../spec/program.js';
import type { LayerCosts, ModelCosts, StorageChoice } from '../spec/sharding.js';
import { estimatedStepBytes, stepBytes } from './working-memory.js';

/** What every instance of a plan has in common and memory depends on. */
export interface MemorySettings {
  readonly contextLength: number;
  readonly slotCount: number;
  readonly stateStorage: 'f16' | 'f32';
}

/** Bytes that one member takes on its device. */
export interface MemberMemory {
  readonly weightBytes: number;
  /** States of all slots, activations of a step, and a margin for what is not counted. */
  readonly stateBytes: number;
  /** What of that is activations and margin. */
  readonly workingBytes: number;
}

/** The worker's own process, its libraries and tokenizer, and what its node remembers of it: see bench/memory-prediction.mjs. */
export const fixedMarginBytes = 64 * 1024 * 1024;
export const marginPerWeightByte = 0.02;

/** The storage type that most of the checkpoint's matrix elements have. */
export function storedType(tensors: ReadonlyMap<string, CheckpointTensor>): StorageType {
  const elements = new Map<string, number>();
  for (const { storage, shape } of tensors.values()) {
    if (shape.length >= 2) elements.set(storage, (elements.get(storage) ?? 0) + product(shape));
  }
  const [most] = [...elements].sort(([, left], [, right]) => right - left);
  return most !== undefined && isStorageType(most[0]) ? most[0] : 'f32';
}

/** Whether embedding and head are one matrix: then costs, which count both, have more elements than the checkpoint. */
export function hasTiedEmbedding(costs: ModelCosts, tensors: ReadonlyMap<string, CheckpointTensor>): boolean {
  const parts = [...costs.layers, costs.embedding, costs.head];
  const counted = parts.reduce((sum, part) => sum + part.matrixElements + part.vectorElements, 0);
  const stored = [...tensors.values()].reduce((sum, { shape }) => sum + product(shape), 0);
  return counted - stored > costs.head.matrixElements / 2;
}

/** What a choice comes to for a checkpoint. */
export function effectiveStorage(choice: StorageType | 'as-stored', stored: StorageType): StorageType {
  return choice === 'as-stored' ? stored : choice;
}

/** Estimates per layer and for the ends of a model on backends that store matrices and embeddings in given types. */
export class MemoryEstimate {
  readonly #costs: ModelCosts;
  readonly #settings: MemorySettings;
  readonly #matrixBytesPerElement: number;
  readonly #embeddingBytesPerElement: number;
  readonly #tiedEmbedding: boolean;

  constructor(
    costs: ModelCosts,
    settings: MemorySettings,
    storage: { readonly matrix: StorageType; readonly embedding: StorageType },
    tiedEmbedding: boolean,
  ) {
    this.#tiedEmbedding = tiedEmbedding;
    this.#costs = costs;
    this.#settings = settings;
    this.#matrixBytesPerElement = storageBytesPerElement[storage.matrix];
    this.#embeddingBytesPerElement = storageBytesPerElement[storage.embedding];
  }

  /** Weights and state of one layer, before any cut. */
  layerBytes(layer: number): number {
    const costs = this.#costs.layers[layer];
    if (costs === undefined) return 0;
    return weightBytes(costs, this.#matrixBytesPerElement) + this.#layerStateBytes(costs);
  }

  get embeddingBytes(): number {
    return weightBytes(this.#costs.embedding, this.#embeddingBytesPerElement);
  }

  get headBytes(): number {
    return weightBytes(this.#costs.head, this.#embeddingBytesPerElement);
  }

  /** Bytes of the ends together on one stage: a tied matrix is kept once there, but twice on two stages. */
  get bothEndsBytes(): number {
    if (this.#tiedEmbedding) return Math.max(this.embeddingBytes, this.headBytes);
    return this.embeddingBytes + this.headBytes;
  }

  /** What every member needs besides weights and state. */
  get workingBytes(): number {
    return workingBytes(this.#costs, this.#settings);
  }

  /** The whole model on one device. */
  get totalBytes(): number {
    const layers = this.#costs.layers.reduce((sum, _, layer) => sum + this.layerBytes(layer), 0);
    return layers + this.bothEndsBytes + this.workingBytes;
  }

  #layerStateBytes(costs: LayerCosts): number {
    const { contextLength, slotCount, stateStorage } = this.#settings;
    const perSlot =
      costs.stateElementsPerToken * contextLength * storageBytesPerElement[stateStorage] +
      costs.stateElementsPerSequence * storageBytesPerElement.f32;
    return perSlot * slotCount;
  }
}

/** Exact weights and state of a lowered member, with the same allowance for work as the estimate. */
export function memberMemory(
  program: MemberProgram,
  settings: MemorySettings,
  { residentFactor = {} }: Pick<BackendCapabilities, 'residentFactor'> = {},
): MemberMemory {
  let weights = 0;
  for (const { shape, role, storage } of Object.values(program.weights)) {
    const factor = role === 'vector' ? 1 : (residentFactor[storage] ?? 1);
    weights += storedBytes(shape, role === 'vector' ? 'f32' : storage) * factor;
  }
  let states = 0;
  for (const state of Object.values(program.states)) states += stateBytesPerSlot(state, settings) * settings.slotCount;
  const working = Math.ceil(stepBytes(program, settings) + fixedMarginBytes + weights * marginPerWeightByte);
  return { weightBytes: weights, stateBytes: states + working, workingBytes: working };
}

/** Rows of whole blocks. */
function storedBytes(shape: readonly number[], storage: StorageType): number {
  const rowElements = shape.at(-1) ?? 1;
  const block = storageBlock[storage];
  const rows = product(shape.slice(0, -1));
  return rows * Math.ceil(rowElements / block) * block * storageBytesPerElement[storage];
}

function stateBytesPerSlot(state: MemberState, settings: MemorySettings): number {
  const elementBytes = storageBytesPerElement[settings.stateStorage];
  switch (state.kind) {
    case 'key-value':
      // A windowed layer is counted in full: whether a backend keeps a ring is its own matter.
      return (state.keyWidth + state.valueWidth) * settings.contextLength * elementBytes;
    case 'latent':
      return state.width * settings.contextLength * elementBytes;
    case 'recurrent':
      return product(state.shape) * storageBytesPerElement.f32;
  }
}

/** An estimate of what a member needs beside weights, their margin and states. */
export function workingBytes(costs: ModelCosts, settings: MemorySettings): number {
  return Math.ceil(estimatedStepBytes(costs, settings) + fixedMarginBytes);
}

function weightBytes(costs: LayerCosts, matrixBytesPerElement: number): number {
  // The margin per weight byte is inside, so that the sum over a part is what the part needs.
  const matrices = costs.matrixElements * matrixBytesPerElement;
  const vectors = costs.vectorElements * storageBytesPerElement.f32;
  return (matrices + vectors) * (1 + marginPerWeightByte);
}

function product(numbers: readonly number[]): number {
  return numbers.reduce((result, number) => result * number, 1);
}

/** The first storage type of a choice that a backend does not hold. `stored`: what the checkpoint's matrices have. */
export function unsupportedStorage(
  choice: StorageChoice,
  stored: StorageType,
  capabilities: BackendCapabilities,
): StorageType | undefined {
  return [choice.matrix, choice.embedding]
    .map((type) => effectiveStorage(type, stored))
    .find((type) => !capabilities.storageTypes.includes(type));
}
