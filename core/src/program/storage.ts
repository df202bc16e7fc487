/** Which storage type a member keeps a weight in. */
import { ShoalError } from '../spec/errors.js';
import type { StorageType, WeightExpression, WeightRole } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { StorageChoice } from '../spec/sharding.js';
import { fail } from './invalid.js';
import { expressionRegions, type Tensors } from './weights.js';

/** How a storage type lays out elements: `blockElements` of them share `blockBytes` bytes. */
export interface StorageFormat {
  readonly blockElements: number;
  readonly blockBytes: number;
}

/** Every storage type, in the order of the numbers that cross native tables. */
export const storageFormats: Readonly<Record<StorageType, StorageFormat>> = {
  f32: { blockElements: 1, blockBytes: 4 },
  f16: { blockElements: 1, blockBytes: 2 },
  bf16: { blockElements: 1, blockBytes: 2 },
  q8_0: { blockElements: 32, blockBytes: 34 },
  q4_0: { blockElements: 32, blockBytes: 18 },
  q4_1: { blockElements: 32, blockBytes: 20 },
  q5_0: { blockElements: 32, blockBytes: 22 },
  q5_1: { blockElements: 32, blockBytes: 24 },
  q4_k: { blockElements: 256, blockBytes: 144 },
  q5_k: { blockElements: 256, blockBytes: 176 },
  q6_k: { blockElements: 256, blockBytes: 210 },
  mxfp4: { blockElements: 32, blockBytes: 17 },
};

export const storageTypes: readonly StorageType[] = Object.keys(storageFormats) as StorageType[];

export const isStorageType = (name: string): name is StorageType => Object.hasOwn(storageFormats, name);

/** Elements of a row that one block of the type holds: rows must be a multiple. */
export const storageBlock = Object.fromEntries(
  Object.entries(storageFormats).map(([type, { blockElements }]) => [type, blockElements]),
) as Readonly<Record<StorageType, number>>;

/** Bytes per element of whole blocks. */
export const storageBytesPerElement = Object.fromEntries(
  Object.entries(storageFormats).map(([type, { blockElements, blockBytes }]) => [type, blockBytes / blockElements]),
) as Readonly<Record<StorageType, number>>;

function storedTypes(expression: WeightExpression, tensors: Tensors): Set<StorageType> {
  switch (expression.kind) {
    case 'tensor': {
      const stored = tensors.get(expression.name)?.storage ?? '';
      if (isStorageType(stored)) return new Set([stored]);
      throw new ShoalError('MODEL_STORAGE_UNSUPPORTED', `tensor '${expression.name}' is stored as '${stored}'`, {
        details: { tensor: expression.name, storage: stored },
      });
    }
    case 'convert':
      return new Set([expression.to]);
    case 'concat':
    case 'stack':
      return new Set(expression.inputs.flatMap((input) => [...storedTypes(input, tensors)]));
    default:
      return storedTypes(expression.input, tensors);
  }
}

/**
 * The storage of a member's weight under the plan's choice. Vectors stay F32; `as-stored` takes the type of the tensors,
 * F32 where they differ. Throws PROGRAM_STORAGE_BLOCK where rows are not whole blocks.
 */
export function memberStorage(
  role: WeightRole,
  source: WeightExpression,
  shape: readonly number[],
  choice: StorageChoice,
  tensors: Tensors,
  path: string,
): StorageType {
  const stored = storedTypes(source, tensors);
  if (role === 'vector') return 'f32';
  const chosen = choice[role];
  const [only] = stored;
  const storage = chosen !== 'as-stored' ? chosen : stored.size === 1 && only !== undefined ? only : 'f32';
  const rowLength = shape.at(-1) as number;
  if (rowLength % storageBlock[storage] !== 0) {
    fail(
      'PROGRAM_STORAGE_BLOCK',
      path,
      `rows of ${rowLength} elements are not whole blocks of ${storageBlock[storage]} of ${storage}`,
      {
        shape,
        storage,
      },
    );
  }
  if (storageBlock[storage] > 1 && only === storage && stored.size === 1)
    keepBlocksWhole(source, shape, storage, tensors, path);
  return storage;
}

/** Blocks of a checkpoint are copied, never quantized a second time: a part of a tensor begins and ends at blocks. */
function keepBlocksWhole(
  source: WeightExpression,
  shape: readonly number[],
  storage: StorageType,
  tensors: Tensors,
  path: string,
): void {
  const block = storageBlock[storage];
  const whole = shape.map((size): Range => [0, size]);
  for (const { tensor, ranges } of expressionRegions(source, whole, tensors)) {
    const [from, to] = ranges.at(-1) as Range;
    if (from % block === 0 && to % block === 0) continue;
    fail(
      'PROGRAM_STORAGE_BLOCK',
      path,
      `elements [${from}, ${to}) of rows of '${tensor}' are no whole blocks of ${block} of ${storage}, as it is stored`,
      { tensor, storage },
    );
  }
}
