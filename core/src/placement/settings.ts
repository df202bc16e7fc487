import { ShoalError } from '../spec/errors.js';
import type { StorageType } from '../spec/program.js';
import type { ModelCosts, StorageChoice } from '../spec/sharding.js';
import { hasTiedEmbedding, type MemorySettings, storedType } from './memory.js';
import type { PlacementRequest } from './request.js';

/** The options with defaults filled in, and what follows from the checkpoint. */
export interface PlacementSettings extends MemorySettings {
  readonly storage: StorageChoice;
  /** What `as-stored` means for this checkpoint. */
  readonly stored: StorageType;
  /** Embedding and head are one matrix. */
  readonly tiedEmbedding: boolean;
}

const defaultContextLength = 4096;
const defaultSlotCount = 4;

/** Throws ARGUMENT_INVALID for numbers that are not positive integers. */
export function resolveSettings({ options, costs, tensors }: PlacementRequest): PlacementSettings {
  const contextLength = options.contextLength ?? longestSensibleContext(costs);
  const slotCount = options.slotCount ?? defaultSlotCount;
  requirePositive('contextLength', contextLength);
  requirePositive('slotCount', slotCount);
  return {
    contextLength,
    slotCount,
    stateStorage: options.stateStorage ?? 'f16',
    storage: options.storage ?? { matrix: 'as-stored', embedding: 'as-stored' },
    stored: storedType(tensors),
    tiedEmbedding: hasTiedEmbedding(costs, tensors),
  };
}

/** Positions of a sequence where nobody says how long it may be. */
export function longestSensibleContext(costs: ModelCosts): number {
  return Math.min(costs.maximumContextLength, defaultContextLength);
}

function requirePositive(argument: string, value: number): void {
  if (Number.isSafeInteger(value) && value > 0) return;
  const message = `${argument} must be a positive integer; it is ${value}.`;
  throw new ShoalError('ARGUMENT_INVALID', message, { details: { argument, value } });
}
