import { cutsFor, leastCommonMultiple } from '../program/cuts.js';
import { storageBlock } from '../program/storage.js';
import type { Plan, PlanMember, PlanPrediction, PlanStage } from '../spec/plan.js';
import type { StorageType } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { ShardRequest } from '../spec/sharding.js';
import type { Candidate } from './candidates.js';
import { effectiveStorage, type MemberMemory, memberMemory } from './memory.js';
import type { PlacementRequest } from './request.js';
import type { PlacementSettings } from './settings.js';

/** Who takes which layers; cuts and figures are still to be found. */
export interface StageDraft {
  readonly layers: Range;
  readonly members: readonly Candidate[];
  /** In proportion to which the members share the layers; 0 takes nothing that can be cut. */
  readonly shares: readonly number[];
}

/** A member that needs more than its device has for it. */
export interface Overflow {
  readonly candidate: Candidate;
  readonly neededBytes: number;
  readonly budgetBytes: number;
}

export interface Assembly {
  readonly stages: readonly PlanStage[];
  /** Empty when the plan can be loaded. */
  readonly overflows: readonly Overflow[];
}

/** Cuts the stages between their members, builds every member's program, and compares exact needs with what there is. */
export function assemble(
  request: PlacementRequest,
  settings: PlacementSettings,
  drafts: readonly StageDraft[],
): Assembly {
  const needs: { readonly candidate: Candidate; readonly neededBytes: number }[] = [];
  const stages = drafts.map((draft): PlanStage => {
    const shard = shardOf(request, settings, draft);
    const members = draft.members.map((candidate, member): PlanMember => {
      const { digest, program } = request.lowerMember(shard, member, candidate.device, settings);
      const memory = memberMemory(program, settings, candidate.device.capabilities);
      needs.push({ candidate, neededBytes: memory.weightBytes + memory.stateBytes });
      return planMember(candidate, digest, memory, shareOf(shard, member));
    });
    return { layers: draft.layers, cuts: shard.cuts, members };
  });
  return { stages, overflows: overflowsOf(needs) };
}

/** Members on one memory have it together. */
function overflowsOf(needs: readonly { readonly candidate: Candidate; readonly neededBytes: number }[]): Overflow[] {
  const pools = new Map<string, { neededBytes: number; availableBytes: number }>();
  for (const { candidate, neededBytes } of needs) {
    const pool = pools.get(candidate.memoryPool) ?? { neededBytes: 0, availableBytes: Number.POSITIVE_INFINITY };
    pools.set(candidate.memoryPool, {
      neededBytes: pool.neededBytes + neededBytes,
      // Probed at different moments, nodes of one machine disagree a little: the least is what is safe.
      availableBytes: Math.min(pool.availableBytes, candidate.availableBytes),
    });
  }
  return needs.flatMap(({ candidate, neededBytes }) => {
    const pool = pools.get(candidate.memoryPool);
    if (pool === undefined || pool.neededBytes <= pool.availableBytes) return [];
    return [{ candidate, neededBytes, budgetBytes: pool.availableBytes * (neededBytes / pool.neededBytes) }];
  });
}

/** The part of the model that a draft's stage holds, cut in proportion to the shares. */
function shardOf(
  request: PlacementRequest,
  settings: PlacementSettings,
  { layers, members, shares }: StageDraft,
): ShardRequest {
  const constraints = request.constraints(members.length);
  return {
    layers,
    hasEmbedding: layers[0] === 0,
    hasHead: layers[1] === constraints.layerCount,
    memberCount: members.length,
    cuts: cutsFor(constraints, members.length === 1 ? [1] : shares, alignmentOf(members, settings)),
  };
}

/** Elements of which every cut is a multiple: whole storage blocks, whole row tiles, on every member alike. */
export function alignmentOf(members: readonly Candidate[], { storage, stored }: PlacementSettings): number {
  if (members.length === 1) return 1;
  const alignments = members.flatMap(({ device: { capabilities } }) =>
    [storage.matrix, storage.embedding].flatMap((choice) => {
      const type: StorageType = effectiveStorage(choice, stored);
      return [storageBlock[type], capabilities.rowTile[type] ?? 1];
    }),
  );
  return leastCommonMultiple(...alignments);
}

/** The mean over the axes of the member's part. */
function shareOf({ cuts, memberCount }: ShardRequest, member: number): number {
  const parts = Object.values(cuts).map((ranges) => {
    const [from, to] = ranges[member] ?? [0, 0];
    return (to - from) / Math.max(ranges.at(-1)?.[1] ?? 1, 1);
  });
  if (parts.length === 0) return 1 / memberCount;
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}

function planMember(
  { node, device }: Candidate,
  programDigest: string,
  memory: MemberMemory,
  share: number,
): PlanMember {
  return {
    nodeId: node.nodeId,
    nodeName: node.nodeName,
    backend: device.backend,
    deviceId: device.properties.id,
    ...(device.properties.available ? { deviceKind: device.properties.kind } : {}),
    share,
    programDigest,
    weightBytes: Math.ceil(memory.weightBytes),
    stateBytes: Math.ceil(memory.stateBytes),
    workingBytes: Math.ceil(memory.workingBytes),
  };
}

/** The plan that the stages make. */
export function planOf(
  request: PlacementRequest,
  settings: PlacementSettings,
  stages: readonly PlanStage[],
  notes: Pick<Plan, 'reasons' | 'leftOut'> & { readonly predicted?: PlanPrediction },
): Plan {
  return {
    modelName: request.model.name,
    modelDigest: request.model.digest,
    strategy: request.strategy.name,
    strategyVersion: request.strategy.version,
    storage: settings.storage,
    stateStorage: settings.stateStorage,
    contextLength: settings.contextLength,
    slotCount: settings.slotCount,
    stages,
    ...notes,
  };
}
