/**
 * How fast a machine's processor is, from what all of its nodes measured. Each node measures for itself, one after the
 * other, and what disturbs a measurement only ever makes it slower: the best is the nearest, for all of them.
 */
import type { PlacementDevice } from '../placement/request.js';
import type { AttentionRate, DeviceProperties, DeviceRate, Measured } from '../spec/backend.js';
import type { NodeFacts } from './facts.js';

type Processor = Extract<DeviceProperties, { available: true }>;
type Figure = 'decodeBytesPerSecond' | 'prefillOperationsPerSecond';

/** The facts with every node's processor as fast as the fastest finding of its machine. Others' devices stay as they are. */
export function withRatesOfMachine(facts: readonly NodeFacts[]): readonly NodeFacts[] {
  const processors = new Map<string, Processor[]>();
  for (const { machineId, devices } of facts) {
    for (const device of devices) {
      const key = keyOf(machineId, device);
      if (key === undefined || !device.properties.available) continue;
      processors.set(key, [...(processors.get(key) ?? []), device.properties]);
    }
  }
  return facts.map((node) => ({
    ...node,
    devices: node.devices.map((device) => {
      const key = keyOf(node.machineId, device);
      const alike = key === undefined ? undefined : processors.get(key);
      if (alike === undefined || alike.length < 2 || !device.properties.available) return device;
      return { ...device, properties: fastestOf(device.properties, alike) };
    }),
  }));
}

/** Equal for processors that compute alike: of one machine, with one backend, on as many cores. */
function keyOf(machineId: string, { backend, properties }: PlacementDevice): string | undefined {
  if (!properties.available || properties.kind !== 'cpu') return undefined;
  const { id, name, coreCount, features } = properties;
  return JSON.stringify([machineId, backend, id, name, coreCount, features]);
}

function fastestOf(own: Processor, alike: readonly Processor[]): Processor {
  const rates = alike.flatMap((one) => one.rates ?? []);
  const storages = [...new Set(rates.map(({ storage }) => storage))];
  const overheads = alike.flatMap(({ operationOverheadMicroseconds: one }) => (one === undefined ? [] : [one]));
  const attentions = alike.flatMap((one) => one.attention ?? []);
  return {
    ...own,
    memoryBandwidthBytesPerSecond: highest(alike, 'memoryBandwidthBytesPerSecond'),
    ...(rates.length === 0 ? {} : { rates: storages.map((storage) => bestRate(rates, storage)) }),
    ...(overheads.length === 0 ? {} : { operationOverheadMicroseconds: bestOf(overheads, Math.min) }),
    ...(attentions.length === 0 ? {} : { attention: bestAttention(attentions) }),
  };
}

function bestRate(all: readonly DeviceRate[], storage: DeviceRate['storage']): DeviceRate {
  const rates = all.filter((rate) => rate.storage === storage);
  const best = (some: readonly Pick<DeviceRate, Figure>[]): Pick<DeviceRate, Figure> => ({
    decodeBytesPerSecond: highest(some, 'decodeBytesPerSecond'),
    prefillOperationsPerSecond: highest(some, 'prefillOperationsPerSecond'),
  });
  const oneCore = rates.flatMap((rate) => rate.oneCore ?? []);
  return { storage, ...best(rates), ...(oneCore.length === 0 ? {} : { oneCore: best(oneCore) }) };
}

/** The best for each size of heads; of what says nothing of a size, why the first does not. */
export function bestAttention(all: readonly AttentionRate[]): AttentionRate[] {
  const sizes = [...new Set(all.map(({ headSize }) => headSize))];
  return sizes.map((headSize) => {
    const rates = all.filter((rate) => rate.headSize === headSize);
    return {
      headSize,
      decodeOperationsPerSecond: highest(rates, 'decodeOperationsPerSecond'),
      prefillOperationsPerSecond: highest(rates, 'prefillOperationsPerSecond'),
    };
  });
}

export function highest<Name extends string>(all: readonly Readonly<Record<Name, Measured>>[], name: Name): Measured {
  return bestOf(
    all.map((one) => one[name]),
    Math.max,
  );
}

/** Of those that are known the best, else why the first is not. */
export function bestOf(figures: readonly Measured[], choose: (...values: number[]) => number): Measured {
  const known = figures.flatMap((one) => ('value' in one ? [one] : []));
  const value = choose(...known.map((one) => one.value));
  return known.find((one) => one.value === value) ?? figures[0] ?? { unknown: 'not measured' };
}
