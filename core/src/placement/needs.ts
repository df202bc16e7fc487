/** What would have to change for a model that does not fit. */
import { storageBytesPerElement } from '../program/storage.js';
import type { PlanRefusal } from '../spec/plan.js';
import type { StorageType } from '../spec/program.js';
import { byMemory, poolBytes } from './candidates.js';
import { formatBytes } from './format.js';
import { effectiveStorage, MemoryEstimate } from './memory.js';
import { canPartition, prefixSums } from './partition.js';
import type { Planning } from './planning.js';

/** Types that a model may be quantized to while it loads, from the best to the smallest. */
const smallerTypes: readonly StorageType[] = ['q8_0', 'q6_k', 'q5_k', 'q4_k', 'q4_0'];
const leastContext = 512;

/** Found by trying pipelines over all devices with another storage, a shorter context, fewer slots. */
export function whatWouldFit(
  planning: Planning,
): Pick<PlanRefusal, 'missingBytes' | 'needs'> & { readonly remedies: readonly string[] } {
  const { settings, estimate, candidates } = planning;
  const missingBytes = Math.max(0, Math.ceil(estimate.totalBytes - poolBytes(candidates)));
  const { contextLength } = settings;
  const needs: { storage?: StorageType; contextLength?: number; slotCount?: number } = {};
  const current = storageBytesPerElement[effectiveStorage(settings.storage.matrix, settings.stored)];
  const storage = smallerTypes.find(
    (type) =>
      storageBytesPerElement[type] < current &&
      candidates.every(({ device }) => device.capabilities.storageTypes.includes(type)) &&
      fits(planning, { storage: type }),
  );
  if (storage !== undefined) needs.storage = storage;
  const slots = [settings.slotCount >> 1, settings.slotCount >> 2, 1].find(
    (slotCount) => slotCount >= 1 && slotCount < settings.slotCount && fits(planning, { slotCount }),
  );
  if (slots !== undefined) needs.slotCount = slots;
  for (let length = contextLength >> 1; length >= leastContext && needs.contextLength === undefined; length >>= 1) {
    if (fits(planning, { contextLength: length })) needs.contextLength = length;
  }
  const ways = [
    ...(needs.storage === undefined ? [] : [`storage ${needs.storage}`]),
    ...(needs.contextLength === undefined ? [] : [`a context of ${needs.contextLength}`]),
    ...(needs.slotCount === undefined ? [] : [`${needs.slotCount} slot${needs.slotCount === 1 ? '' : 's'}`]),
  ];
  const remedies = [
    ...(missingBytes > 0
      ? [`${formatBytes(missingBytes)} more would be needed, plus what each further device needs for itself`]
      : []),
    ...(ways.length === 0 ? [] : [`it would fit with ${ways.join(', or with ')}`]),
  ];
  return { missingBytes, ...(ways.length === 0 ? {} : { needs }), remedies };
}

function fits(
  { request, settings, candidates, layerCount }: Planning,
  change: { readonly storage?: StorageType; readonly contextLength?: number; readonly slotCount?: number },
): boolean {
  const { contextLength = settings.contextLength, slotCount = settings.slotCount, storage } = change;
  const types = {
    matrix: storage ?? effectiveStorage(settings.storage.matrix, settings.stored),
    embedding: storage ?? effectiveStorage(settings.storage.embedding, settings.stored),
  };
  const estimate = new MemoryEstimate(
    request.costs,
    { ...settings, contextLength, slotCount },
    types,
    settings.tiedEmbedding,
  );
  const layerPrefix = prefixSums(layerCount, (layer) => estimate.layerBytes(layer));
  const pools = new Set<string>();
  const ordered = byMemory(candidates, undefined).filter(({ memoryPool }) => {
    const isNew = !pools.has(memoryPool);
    pools.add(memoryPool);
    return isNew;
  });
  for (let count = 1; count <= Math.min(ordered.length, layerCount); count += 1) {
    const [first, last, ...between] = ordered.slice(0, count);
    const order = [first, ...between, last].filter((one) => one !== undefined);
    const stages = order.map(({ availableBytes }, index) => ({
      budgetBytes: Math.max(0, availableBytes - estimate.workingBytes),
      layerPrefix,
      fixedBytes:
        order.length === 1
          ? estimate.bothEndsBytes
          : (index === 0 ? estimate.embeddingBytes : 0) + (index === order.length - 1 ? estimate.headBytes : 0),
    }));
    if (canPartition(stages, layerCount)) return true;
  }
  return false;
}
