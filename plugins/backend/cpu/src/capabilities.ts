import { type BackendCapabilities, type OperationName, storageTypes } from '@shoal/core';

/** What the executor of `crates/ggml` runs: equal to its own list, which a test compares. */
export const operations: readonly OperationName[] = [
  'embedding',
  'linear',
  'add',
  'multiply',
  'multiply-groups',
  'multiply-vector',
  'add-vector',
  'scale',
  'clamp',
  'elementwise',
  'rms-norm',
  'layer-norm',
  'l2-norm',
  'rotary',
  'slice',
  'concat',
  'repeat',
  'select-outputs',
  'softmax',
  'sum-groups',
  'zeros',
  'attention',
  'gated-feed-forward',
];

/** `rowTile`: as probed; ggml repacks weights into tiles whose height depends on the instruction sets. */
export function capabilitiesWith(rowTile: Readonly<Record<string, number>>): BackendCapabilities {
  const tiles = storageTypes.map((type) => [type, rowTile[type] ?? 1] as const);
  return { operations, storageTypes, rowTile: Object.fromEntries(tiles) };
}
