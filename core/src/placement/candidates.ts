import type { DeviceProperties, Measured } from '../spec/backend.js';
import type { Plan } from '../spec/plan.js';
import { formatBytes } from './format.js';
import { unsupportedStorage } from './memory.js';
import type { PlacementDevice, PlacementNode, PlacementRequest } from './request.js';
import type { PlacementSettings } from './settings.js';

type AvailableProperties = Extract<DeviceProperties, { available: true }>;

/** A device that could take a member. */
export interface Candidate {
  readonly node: PlacementNode;
  readonly device: PlacementDevice;
  readonly properties: AvailableProperties;
  /** What members may take of the pool, if this is the only member on it. */
  readonly availableBytes: number;
  /** Candidates of one pool share its memory. */
  readonly memoryPool: string;
  /** Place in its node's order of preference. */
  readonly preference: number;
}

export type LeftOut = Plan['leftOut'][number];

export interface Candidates {
  /** Fastest first, as far as is known. */
  readonly usable: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
}

/** Sorts out the devices that cannot take part, with the reason, and ranks the others. */
export function findCandidates(request: PlacementRequest, settings: PlacementSettings): Candidates {
  const usable: Candidate[] = [];
  const leftOut: LeftOut[] = [];
  for (const node of request.nodes) {
    for (const [preference, device] of node.devices.entries()) {
      const { properties } = device;
      const leave = (reason: string): void => {
        leftOut.push({ nodeName: node.nodeName, deviceId: properties.id, reason });
      };
      if (node.cordoned !== undefined) {
        leave(`takes no new shares: ${node.cordoned}`);
        continue;
      }
      if (!properties.available) {
        leave(withRemedy(properties));
        continue;
      }
      const type = unsupportedStorage(settings.storage, settings.stored, device.capabilities);
      if (type !== undefined) {
        leave(`the ${device.backend} backend does not run weights stored as ${type}`);
        continue;
      }
      const memory = firstKnown(properties.memoryAvailableBytes, properties.memoryTotalBytes);
      if ('unknown' in memory) {
        leave(`its available memory is unknown: ${memory.unknown}`);
        continue;
      }
      usable.push({
        node,
        device,
        properties,
        availableBytes: memory.value,
        memoryPool: memoryPoolOf(node, device),
        preference,
      });
    }
  }
  const preferred = request.options.preferredNodeId;
  return { usable: usable.sort((left, right) => compareSpeed(left, right, preferred)), leftOut };
}

function withRemedy({ reason, remedy }: { readonly reason: string; readonly remedy?: string }): string {
  return remedy === undefined ? reason : `${reason} (${remedy.replace(/\.$/, '')})`;
}

/** Processors of one machine share its memory; other devices have their own. */
function memoryPoolOf(node: PlacementNode, { backend, properties }: PlacementDevice): string {
  if (properties.available && properties.kind === 'cpu') return `machine ${node.machineId ?? node.nodeId}`;
  return `device ${node.nodeId}/${backend}/${properties.id}`;
}

function firstKnown(first: Measured, second: Measured): Measured {
  return 'unknown' in first && !('unknown' in second) ? second : first;
}

const kindRank: Readonly<Record<AvailableProperties['kind'], number>> = { gpu: 0, accelerator: 1, cpu: 2 };

/**
 * Negative when `left` is expected to be faster. Decoding is limited by memory bandwidth, so that it decides where both
 * are known; else the kind, the node's own order of preference, and the number of cores have to do.
 */
function compareSpeed(left: Candidate, right: Candidate, preferredNodeId: string | undefined): number {
  const [leftBandwidth, rightBandwidth] = [left, right].map(
    ({ properties }) => properties.memoryBandwidthBytesPerSecond,
  );
  if (leftBandwidth && rightBandwidth && !('unknown' in leftBandwidth) && !('unknown' in rightBandwidth)) {
    const difference = rightBandwidth.value - leftBandwidth.value;
    if (difference !== 0) return difference;
  }
  return (
    kindRank[left.properties.kind] - kindRank[right.properties.kind] ||
    left.preference - right.preference ||
    (right.properties.coreCount ?? 0) - (left.properties.coreCount ?? 0) ||
    comparePreferred(left, right, preferredNodeId) ||
    compareMemory(left, right) ||
    compareIds(left, right)
  );
}

/**
 * The order in which devices are taken when memory is what counts: one of each pool first, the largest pool first; of
 * one pool those that their nodes prefer.
 */
export function byMemory(candidates: readonly Candidate[], preferredNodeId: string | undefined): Candidate[] {
  const poolBytes = new Map<string, number>();
  for (const { memoryPool, availableBytes } of candidates) {
    poolBytes.set(memoryPool, Math.min(poolBytes.get(memoryPool) ?? Number.POSITIVE_INFINITY, availableBytes));
  }
  const bucketOfPool = ({ memoryPool }: Candidate): number => memoryBucket(poolBytes.get(memoryPool) ?? 0);
  const sorted = candidates.toSorted(
    (left, right) =>
      bucketOfPool(right) - bucketOfPool(left) ||
      left.preference - right.preference ||
      comparePreferred(left, right, preferredNodeId) ||
      compareIds(left, right),
  );
  const seen = new Map<string, number>();
  const ranked = sorted.map((candidate) => {
    const rank = seen.get(candidate.memoryPool) ?? 0;
    seen.set(candidate.memoryPool, rank + 1);
    return { candidate, rank };
  });
  return ranked.toSorted((left, right) => left.rank - right.rank).map(({ candidate }) => candidate);
}

/**
 * The order in which chosen devices take their places: the preferred node's first, for it becomes the head; devices of
 * one node next to each other, so that the members of a stage are as near as can be.
 */
export function inPlaceOrder(chosen: readonly Candidate[], preferredNodeId: string | undefined): Candidate[] {
  const memoryOfNode = new Map<string, number>();
  for (const { node, availableBytes } of chosen) {
    memoryOfNode.set(node.nodeId, (memoryOfNode.get(node.nodeId) ?? 0) + availableBytes);
  }
  const bucketOfNode = ({ node }: Candidate): number => memoryBucket(memoryOfNode.get(node.nodeId) ?? 0);
  return chosen.toSorted(
    (left, right) =>
      comparePreferred(left, right, preferredNodeId) ||
      bucketOfNode(right) - bucketOfNode(left) ||
      compareText(left.node.nodeId, right.node.nodeId) ||
      left.preference - right.preference ||
      compareMemory(left, right) ||
      compareIds(left, right),
  );
}

/** The order for a tight fit: the largest at both ends, which hold the embedding and the head besides their layers. */
export function withLargeEnds(chosen: readonly Candidate[]): Candidate[] {
  const [first, last, ...between] = chosen.toSorted(
    (left, right) => right.availableBytes - left.availableBytes || compareIds(left, right),
  );
  return [first, ...between, last].filter((candidate) => candidate !== undefined);
}

/** What each of the chosen may take, when those of one pool share it equally. */
export function budgetsOf(chosen: readonly Candidate[]): number[] {
  const pools = new Map<string, { sharers: number; leastBytes: number }>();
  for (const { memoryPool, availableBytes } of chosen) {
    const pool = pools.get(memoryPool) ?? { sharers: 0, leastBytes: Number.POSITIVE_INFINITY };
    // Probed at different moments, nodes of one machine disagree a little: the least is what is safe.
    pools.set(memoryPool, { sharers: pool.sharers + 1, leastBytes: Math.min(pool.leastBytes, availableBytes) });
  }
  return chosen.map(({ memoryPool }) => {
    const pool = pools.get(memoryPool);
    return pool === undefined ? 0 : pool.leastBytes / pool.sharers;
  });
}

/** What all of them have together: a memory counts once. */
export function poolBytes(candidates: readonly Candidate[]): number {
  return budgetsOf(candidates).reduce((sum, budget) => sum + budget, 0);
}

/** `cpu on anna (3.1 GiB available)`. */
export function describeCandidate(candidate: Candidate): string {
  return `${nameCandidate(candidate)} (${formatBytes(candidate.availableBytes)} available)`;
}

export function nameCandidate({ node, properties }: Candidate): string {
  return `${properties.id} on ${node.nodeName}`;
}

/** Steps of about 9 %: what is free now differs a little from probe to probe, and plans should not. */
function memoryBucket(bytes: number): number {
  return bytes <= 0 ? 0 : Math.round(Math.log2(bytes) * 8);
}

function compareMemory(left: Candidate, right: Candidate): number {
  return memoryBucket(right.availableBytes) - memoryBucket(left.availableBytes);
}

function comparePreferred(left: Candidate, right: Candidate, preferredNodeId: string | undefined): number {
  return Number(right.node.nodeId === preferredNodeId) - Number(left.node.nodeId === preferredNodeId);
}

function compareIds(left: Candidate, right: Candidate): number {
  return compareText(left.node.nodeId, right.node.nodeId) || compareText(left.properties.id, right.properties.id);
}

function compareText(left: string, right: string): number {
  return left < right ? -1 : left > right ? 1 : 0;
}
