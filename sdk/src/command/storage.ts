import { ShoalError, type StorageChoice } from '@shoal/core';

const storageTypes = ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'] as const;

/** `--storage q8_0`: matrices and embeddings in that type. */
export function parseStorage(text: string | undefined): StorageChoice | undefined {
  if (text === undefined) return undefined;
  const type = storageTypes.find((known) => known === text.toLowerCase());
  if (!type) {
    throw new ShoalError('ARGUMENT_INVALID', `--storage wants one of ${storageTypes.join(', ')}, not "${text}"`);
  }
  return { matrix: type, embedding: type };
}
