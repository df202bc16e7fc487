/** Policies that look at memory first: layers go round a ring of devices in proportion to what they have. */
import type { StageDraft } from './assembly.js';
import { budgetsOf, byMemory, type Candidate, inPlaceOrder, withLargeEnds } from './candidates.js';
import { formatBytes } from './format.js';
import { canPartition, partitionLayers, type StageCapacity } from './partition.js';
import type { Planning } from './planning.js';
import type { PlacementResult } from './request.js';

/** Rings whose exact needs exceed what the estimate promised before the search ends. */
const maximumExactAttempts = 16;
const scoreWeights = { compute: 0.4, memory: 0.3, network: 0.2, thermal: 0.1 } as const;

/** Every device that holds a layer, the largest first. */
export function placeRing(planning: Planning, reason: string): PlacementResult {
  const ordered = planning.onePerPool(byMemory(planning.candidates, planning.request.options.preferredNodeId));
  const chosen = ordered.slice(0, planning.layerCount);
  for (let count = chosen.length; count > 0; count -= 1) {
    const result = placeOn(planning, chosen.slice(0, count), [reason]);
    if (result !== undefined) return result;
  }
  return planning.doesNotFit();
}

/**
 * The fewest devices that are joined and hold the model; of several such groups the one whose slowest path is fastest, then
 * the one with most memory.
 */
export function placeSmallestCycle(planning: Planning): PlacementResult {
  const { model, request } = planning;
  const preferred = request.options.preferredNodeId;
  const ordered = planning.onePerPool(byMemory(planning.candidates, preferred));
  let attempts = 0;
  for (let count = 1; count <= Math.min(ordered.length, planning.layerCount); count += 1) {
    const groups = new Map<
      string,
      { readonly members: readonly Candidate[]; readonly latency: number; readonly bytes: number }
    >();
    for (const anchor of ordered) {
      const near = ordered
        .filter((other) => other !== anchor && model.paths.areJoined(anchor.node, other.node))
        .toSorted((left, right) => latencyBetween(planning, anchor, left) - latencyBetween(planning, anchor, right));
      // The nearest that suffice: each smaller one of them gives way to the next larger that is near.
      const members = enoughOf(planning, anchor, near, count);
      if (members === undefined) continue;
      const key = members
        .map((one) => ordered.indexOf(one))
        .toSorted((a, b) => a - b)
        .join();
      const bytes = members.reduce((sum, { availableBytes }) => sum + availableBytes, 0);
      if (!groups.has(key)) groups.set(key, { members, latency: widest(planning, members), bytes });
    }
    const ranked = [...groups.values()].toSorted(
      (left, right) => left.latency - right.latency || right.bytes - left.bytes,
    );
    for (const { members } of ranked) {
      attempts += 1;
      if (attempts > maximumExactAttempts) return planning.doesNotFit();
      const reason =
        count === 1
          ? 'One device holds the model.'
          : `${count} devices are the fewest that are joined and hold it; among such groups, paths decide, then memory.`;
      const result = placeOn(planning, members, [reason]);
      if (result !== undefined) return result;
    }
  }
  return planning.doesNotFit();
}

/** Devices by a score of what they compute, hold, reach and how cool they are, as many as are needed. */
export function placeWeightedScore(planning: Planning): PlacementResult {
  const { model, candidates } = planning;
  const pooled = planning.onePerPool(byMemory(candidates, planning.request.options.preferredNodeId));
  const latencyOf = (one: Candidate): number =>
    pooled.reduce((sum, other) => sum + (other === one ? 0 : latencyBetween(planning, one, other)), 0);
  const figures = pooled.map((candidate) => ({
    candidate,
    compute: model.speed(candidate).decodeBytesPerSecond,
    memory: candidate.availableBytes,
    network: 1 / (1e-6 + latencyOf(candidate) / Math.max(1, pooled.length - 1)),
    thermal: candidate.node.derating?.factor ?? 1,
  }));
  const most = (field: keyof typeof scoreWeights): number => Math.max(...figures.map((one) => one[field]));
  const largest = {
    compute: most('compute'),
    memory: most('memory'),
    network: most('network'),
    thermal: most('thermal'),
  };
  const scored = figures
    .map((one) => {
      const parts = (Object.keys(scoreWeights) as (keyof typeof scoreWeights)[]).map(
        (field) => scoreWeights[field] * (one[field] / largest[field]),
      );
      return { candidate: one.candidate, score: parts.reduce((sum, part) => sum + part, 0) };
    })
    .toSorted((left, right) => right.score - left.score);
  for (let count = 1; count <= Math.min(scored.length, planning.layerCount); count += 1) {
    const chosen = scored.slice(0, count);
    const scores = chosen.map(({ candidate, score }) => `${candidate.node.nodeName} ${score.toFixed(2)}`).join(', ');
    const reason = `By score (compute 0.4, memory 0.3, network 0.2, thermal 0.1): ${scores}.`;
    const result = placeOn(
      planning,
      chosen.map(({ candidate }) => candidate),
      [reason],
    );
    if (result !== undefined) return result;
  }
  return planning.doesNotFit();
}

/** The devices as a pipeline with layers in proportion to memory; undefined where they do not hold the model. */
function placeOn(
  planning: Planning,
  chosen: readonly Candidate[],
  reasons: readonly string[],
): PlacementResult | undefined {
  const preferred = planning.request.options.preferredNodeId;
  for (const order of [inPlaceOrder(chosen, preferred), withLargeEnds(chosen)]) {
    const capacities = stageCapacities(
      planning,
      order.map((candidate) => [candidate]),
    );
    if (!canPartition(capacities, planning.layerCount)) continue;
    const ranges = partitionLayers(capacities, planning.layerCount, true) ?? [];
    const drafts = ranges.map(
      (layers, stage): StageDraft => ({ layers, members: [order[stage] as Candidate], shares: [1] }),
    );
    const assembly = planning.assemble(drafts);
    if (assembly.overflows.length > 0) continue;
    const held = `The model needs ${formatBytes(planning.estimate.totalBytes)}; layers follow the available memory.`;
    return planning.planned(drafts, assembly, [...reasons, held]);
  }
  return undefined;
}

/** What stages of these members may hold, and what they take whatever their layers. */
export function stageCapacities(
  { estimate, layerPrefix }: Planning,
  groups: readonly (readonly Candidate[])[],
): StageCapacity[] {
  const chosen = groups.flat();
  const budgets = new Map(budgetsOf(chosen).map((budget, index) => [chosen[index], budget]));
  return groups.map((members, stage): StageCapacity => {
    const budget = members.reduce((sum, member) => sum + (budgets.get(member) ?? 0), 0);
    // Every member holds the embedding, for a token's row is needed whole; the head is cut.
    const copies = members.length - 1;
    const ends =
      groups.length === 1
        ? estimate.bothEndsBytes + estimate.embeddingBytes * copies
        : (stage === 0 ? estimate.embeddingBytes * members.length : 0) +
          (stage === groups.length - 1 ? estimate.headBytes : 0);
    return {
      budgetBytes: Math.max(budget - estimate.workingBytes * members.length, 0),
      layerPrefix,
      fixedBytes: ends,
    };
  });
}

function latencyBetween({ model }: Planning, left: Candidate, right: Candidate): number {
  return Math.max(model.path(left, right).latencySeconds, model.path(right, left).latencySeconds);
}

function widest(planning: Planning, members: readonly Candidate[]): number {
  const order = inPlaceOrder(members, planning.request.options.preferredNodeId);
  return Math.max(
    0,
    ...order.map((one, index) => latencyBetween(planning, one, order[(index + 1) % order.length] ?? one)),
  );
}

/** The anchor with its nearest, so many in all, that hold the model; undefined where even the largest do not. */
function enoughOf(
  planning: Planning,
  anchor: Candidate,
  near: readonly Candidate[],
  count: number,
): readonly Candidate[] | undefined {
  if (near.length < count - 1) return undefined;
  let members = [anchor, ...near.slice(0, count - 1)];
  const isEnough = (some: readonly Candidate[]): boolean =>
    [inPlaceOrder(some, undefined), withLargeEnds(some)].some((order) =>
      canPartition(
        stageCapacities(
          planning,
          order.map((one) => [one]),
        ),
        planning.layerCount,
      ),
    );
  for (const candidate of near.slice(count - 1)) {
    if (isEnough(members)) return members;
    const smallest = members
      .slice(1)
      .reduce((least, one) => (one.availableBytes < least.availableBytes ? one : least), candidate);
    if (smallest !== candidate) members = [...members.filter((one) => one !== smallest), candidate];
  }
  return isEnough(members) ? members : undefined;
}
