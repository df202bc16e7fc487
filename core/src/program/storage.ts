/** Which storage type a member keeps a weight in. */
import { ShoalError } from '../spec/errors.js';
import type { StorageType, WeightExpression, WeightRole } from '../spec/program.js';
import type { StorageChoice } from '../spec/sharding.js';
import { fail } from './invalid.js';
import type { Tensors } from './weights.js';

/** Elements of a row that one block of the type holds: rows must be a multiple. */
export const storageBlock: Readonly<Record<StorageType, number>> = { f32: 1, f16: 1, bf16: 1, q8_0: 32, q4_0: 32 };

const isStorageType = (name: string): name is StorageType => Object.hasOwn(storageBlock, name);

function storedTypes(expression: WeightExpression, tensors: Tensors): Set<StorageType> {
  switch (expression.kind) {
    case 'tensor': {
      const stored = (tensors.get(expression.name)?.storage ?? '').toLowerCase();
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
  return storage;
}
