/** How fast a device computes: as measured where it was, else what is typical of its kind, and marked as such. */
import type { AttentionRate, DeviceProperties, DeviceRate, Measured } from '../spec/backend.js';
import type { StorageType } from '../spec/program.js';
import type { PlacementNode } from './request.js';

type AvailableProperties = Extract<DeviceProperties, { available: true }>;

export type FigureSource = Extract<Measured, { value: number }>['source'];

/** Of a whole device, with all of its cores, less what heat or a battery takes from it. */
export interface DeviceSpeed {
  /** Bytes of weights, as stored, that the product with one row goes through in a second. */
  readonly decodeBytesPerSecond: number;
  readonly prefillOperationsPerSecond: number;
  /** The same on one core; absent where it was not measured. */
  readonly oneCore?: { readonly decodeBytesPerSecond?: number; readonly prefillOperationsPerSecond?: number };
  /** What an operation costs beside its weights; undefined where it was not measured. */
  readonly operationSeconds: number | undefined;
  /** Bandwidth of its memory, at which states are read. */
  readonly memoryBytesPerSecond: number;
  /** Attention by the size of heads, the smallest first; empty where it was not measured. */
  readonly attention: readonly AttentionSpeed[];
  /** The least certain of what the figures are from. */
  readonly source: FigureSource;
}

/** Seconds that one row takes for one position and one head of so many elements. */
export interface AttentionSpeed {
  readonly headSize: number;
  readonly tokenSeconds: number;
  readonly promptSeconds: number;
}

/** Orders of magnitude for devices of which nothing is known, so that plans can be ranked all the same. */
const typical = {
  cpu: { bytesPerSecondAndCore: 5e9, cores: 4, mostBytesPerSecond: 40e9, operationsPerSecondAndCore: 40e9 },
  gpu: { bytesPerSecond: 300e9, operationsPerSecond: 10e12 },
  accelerator: { bytesPerSecond: 100e9, operationsPerSecond: 10e12 },
} as const;

/** What of a memory's bandwidth products with one row get, where only the bandwidth is known. */
const usedBandwidth = 0.8;

/** A device that is left with nothing would make every time infinite. */
const leastFactor = 0.01;

/** The most certain first. */
export const certainty: readonly FigureSource[] = ['measured', 'driver', 'operating-system', 'table'];

/** The speed with weights of that type. */
export function speedOf(
  properties: AvailableProperties,
  storage: StorageType,
  derating: PlacementNode['derating'],
): DeviceSpeed {
  const factor = Math.min(1, Math.max(leastFactor, derating?.factor ?? 1));
  const overhead = properties.operationOverheadMicroseconds;
  const bandwidth = properties.memoryBandwidthBytesPerSecond;
  const rate = rateFor(properties.rates ?? [], storage);
  const sources: FigureSource[] = [];
  const known = (measured: Measured | undefined, fallback: () => number): number => {
    if (measured !== undefined && 'value' in measured && measured.value > 0) {
      sources.push(measured.source);
      return measured.value;
    }
    sources.push('table');
    return fallback();
  };
  const memoryBytesPerSecond =
    'value' in bandwidth && bandwidth.value > 0 ? bandwidth.value : typicalBandwidth(properties);
  const decodeBytesPerSecond = known(rate?.decodeBytesPerSecond, () => {
    if ('value' in bandwidth) sources.splice(-1, 1, bandwidth.source);
    return memoryBytesPerSecond * ('value' in bandwidth ? usedBandwidth : 1);
  });
  const prefillOperationsPerSecond = known(rate?.prefillOperationsPerSecond, () => typicalOperations(properties));
  // Decoding is what plans are ranked by: a prompt's rate may be typical without making the plan a guess.
  const [oneDecode, onePrefill] = [rate?.oneCore?.decodeBytesPerSecond, rate?.oneCore?.prefillOperationsPerSecond];
  const oneCore = {
    ...(oneDecode !== undefined && 'value' in oneDecode ? { decodeBytesPerSecond: oneDecode.value * factor } : {}),
    ...(onePrefill !== undefined && 'value' in onePrefill
      ? { prefillOperationsPerSecond: onePrefill.value * factor }
      : {}),
  };
  return {
    oneCore,
    decodeBytesPerSecond: decodeBytesPerSecond * factor,
    prefillOperationsPerSecond: prefillOperationsPerSecond * factor,
    operationSeconds: overhead !== undefined && 'value' in overhead ? (overhead.value * 1e-6) / factor : undefined,
    memoryBytesPerSecond: Math.max(memoryBytesPerSecond, decodeBytesPerSecond) * factor,
    attention: attentionSpeeds(properties.attention ?? [], factor),
    source: sources[0] ?? 'table',
  };
}

/** Of an element of a query: a product and a sum with the key, and with the value. */
const attentionOperationsPerElement = 4;

function attentionSpeeds(rates: readonly AttentionRate[], factor: number): AttentionSpeed[] {
  const speeds = rates.flatMap(({ headSize, decodeOperationsPerSecond: token, prefillOperationsPerSecond: prompt }) => {
    if (!('value' in token && 'value' in prompt)) return [];
    const operations = headSize * attentionOperationsPerElement;
    const [tokenSeconds, promptSeconds] = [token, prompt].map(({ value }) => operations / (value * factor));
    return [{ headSize, tokenSeconds, promptSeconds } as AttentionSpeed];
  });
  return speeds.toSorted((left, right) => left.headSize - right.headSize);
}

/** Heads of a size that was not measured are on the line through those that were: a part is the same for all heads. */
export function attentionSeconds(
  speeds: readonly AttentionSpeed[],
  headSize: number,
  figure: 'tokenSeconds' | 'promptSeconds',
): number | undefined {
  const [first, last] = [speeds[0], speeds.at(-1)];
  if (first === undefined || last === undefined) return undefined;
  if (first === last) return (first[figure] * headSize) / first.headSize;
  const perElement = Math.max(0, last[figure] - first[figure]) / (last.headSize - first.headSize);
  return Math.max(0, first[figure] + perElement * (headSize - first.headSize));
}

/** Of two sources the one that is less certain. */
export function lessCertain(left: FigureSource, right: FigureSource): FigureSource {
  return certainty.indexOf(left) > certainty.indexOf(right) ? left : right;
}

/** The rate of that type, else of the one that was measured and is nearest in bytes a weight. */
function rateFor(rates: readonly DeviceRate[], storage: StorageType): DeviceRate | undefined {
  const usable = rates.filter(({ decodeBytesPerSecond }) => 'value' in decodeBytesPerSecond);
  return usable.find((rate) => rate.storage === storage) ?? usable.find((rate) => isAlike(rate.storage, storage));
}

function isAlike(left: StorageType, right: StorageType): boolean {
  const isFloat = (type: StorageType): boolean => type === 'f32' || type === 'f16' || type === 'bf16';
  return isFloat(left) === isFloat(right);
}

function typicalBandwidth({ kind, coreCount }: AvailableProperties): number {
  if (kind !== 'cpu') return typical[kind].bytesPerSecond;
  const { bytesPerSecondAndCore, cores, mostBytesPerSecond } = typical.cpu;
  return Math.min((coreCount ?? cores) * bytesPerSecondAndCore, mostBytesPerSecond);
}

function typicalOperations({ kind, coreCount }: AvailableProperties): number {
  if (kind !== 'cpu') return typical[kind].operationsPerSecond;
  return (coreCount ?? typical.cpu.cores) * typical.cpu.operationsPerSecondAndCore;
}
