import {
  type AttentionRate,
  type DeviceMeasurement,
  type DeviceRate,
  knownValue,
  type Measured,
  type MeasureOptions,
  readMachineMemory,
  readProcessorFacts,
} from '@shoal/core';
import type { GgmlDeviceOptions, GgmlMeasurement, GgmlRate, MeasureGgmlOptions } from '@shoal/engine-node';

const mebibyte = 1024 ** 2;
/** Processors that do not tell their caches hardly have more. */
const likelyCacheBytes = 32 * mebibyte;
/**
 * Weights of a measurement in caches: what a step reads has to come from memory, as it does for any model worth it. Caches
 * keep a part of what goes through them again and again, which at three times their size made bf16 a fifth too fast.
 */
const cacheMultiple = 8;
const leastWeightBytes = 64 * mebibyte;
const mostWeightBytes = 512 * mebibyte;
/** Of what is free: a measurement must not push others out. */
const memoryShare = 8;
const durationMilliseconds = 80;

/** Times the processor's kernels, all cores together and, where there are several, one alone. */
export async function measureProcessor(
  measure: (options: MeasureGgmlOptions, signal?: AbortSignal) => Promise<GgmlMeasurement>,
  device: GgmlDeviceOptions,
  cores: number,
  { storageTypes, signal }: MeasureOptions,
): Promise<DeviceMeasurement> {
  const options: MeasureGgmlOptions = {
    device: { ...device, threads: cores },
    storageTypes,
    oneCore: cores > 1,
    weightBytes: await weightBytes(),
    durationMilliseconds,
  };
  const { rates, operationOverheadMicroseconds, attention } = await measure(options, signal);
  const converted = storageTypes.map((storage, index): DeviceRate => {
    const found = rates[index] ?? { failure: 'it was not measured' };
    const oneCore = cores > 1 ? rates[index]?.oneCore : found;
    return { storage, ...figures(found), ...(oneCore === undefined ? {} : { oneCore: figures(oneCore) }) };
  });
  const quickest = Math.max(0, ...converted.map((rate) => knownValue(rate.decodeBytesPerSecond) ?? 0));
  return {
    rates: converted,
    memoryBandwidthBytesPerSecond: quickest > 0 ? measured(quickest) : { unknown: 'no storage type could be measured' },
    operationOverheadMicroseconds: measured(operationOverheadMicroseconds),
    attention: attention.map(attentionRate),
  };
}

async function weightBytes(): Promise<number> {
  const [processor, memory] = await Promise.all([readProcessorFacts(), readMachineMemory()]);
  const cache = knownValue(processor.lastLevelCacheBytes) ?? likelyCacheBytes;
  const wanted = Math.min(mostWeightBytes, Math.max(leastWeightBytes, cacheMultiple * cache));
  return Math.floor(Math.min(wanted, (knownValue(memory.processAvailableBytes) ?? wanted) / memoryShare));
}

function figures(rate: GgmlRate): Pick<DeviceRate, 'decodeBytesPerSecond' | 'prefillOperationsPerSecond'> {
  if ('failure' in rate) {
    const unknown = { unknown: rate.failure };
    return { decodeBytesPerSecond: unknown, prefillOperationsPerSecond: unknown };
  }
  return {
    decodeBytesPerSecond: measured(rate.decodeBytesPerSecond),
    prefillOperationsPerSecond: measured(rate.prefillOperationsPerSecond),
  };
}

function attentionRate(rate: GgmlMeasurement['attention'][number]): AttentionRate {
  const { headSize } = rate;
  if ('failure' in rate) {
    const unknown = { unknown: rate.failure };
    return { headSize, decodeOperationsPerSecond: unknown, prefillOperationsPerSecond: unknown };
  }
  return {
    headSize,
    decodeOperationsPerSecond: measured(rate.decodeOperationsPerSecond),
    prefillOperationsPerSecond: measured(rate.prefillOperationsPerSecond),
  };
}

function measured(value: number): Measured {
  return { value, source: 'measured' };
}
