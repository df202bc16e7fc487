/** Which storage types of a model are worth measuring devices with. Pure. */
import { isStorageType } from '../program/storage.js';
import type { ModelDescription } from '../spec/model.js';
import type { StorageType } from '../spec/program.js';
import type { LoadOptions } from './service.js';

/** Measuring takes about a second, once: a smaller model is read in less time than that would ever save. */
const leastWeightBytes = 64 * 2 ** 20;
/** Of all weights: what has less hardly shows in a step's time. */
const leastShare = 0.1;

/** The largest part first; none for a small model. */
export function storageTypesToMeasure(
  { tensors }: Pick<ModelDescription, 'tensors'>,
  { storage }: Pick<LoadOptions, 'storage'>,
): readonly StorageType[] {
  const bytes = new Map<StorageType, number>();
  let total = 0;
  for (const { storage: stored, shape, byteLength } of tensors.values()) {
    if (shape.length < 2 || !isStorageType(stored)) continue;
    bytes.set(stored, (bytes.get(stored) ?? 0) + byteLength);
    total += byteLength;
  }
  if (total < leastWeightBytes) return [];
  const asStored = [...bytes]
    .filter(([, part]) => part >= total * leastShare)
    .toSorted(([, left], [, right]) => right - left)
    .map(([type]) => type);
  const chosen = [storage?.matrix ?? 'as-stored', storage?.embedding ?? 'as-stored'];
  return [...new Set(chosen.flatMap((choice) => (choice === 'as-stored' ? asStored : [choice])))];
}
