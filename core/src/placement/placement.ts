import type { PlanRefusal } from '../spec/plan.js';
import { assemble, type Overflow, planOf, type StageDraft } from './assembly.js';
import {
  budgetsOf,
  byMemory,
  type Candidate,
  describeCandidate,
  findCandidates,
  inPlaceOrder,
  type LeftOut,
  nameCandidate,
  withLargeEnds,
} from './candidates.js';
import { formatBytes } from './format.js';
import { effectiveStorage, MemoryEstimate } from './memory.js';
import { canPartition, partitionLayers, prefixSums, type StageCapacity } from './partition.js';
import type { PlacementRequest, PlacementResult } from './request.js';
import { runnableCandidates } from './runnable.js';
import { type PlacementSettings, resolveSettings } from './settings.js';
import { formatPlanShape, type PlanShape } from './shape.js';

/** Drafts whose exact needs exceed what the estimate promised before the search ends: keeps it polynomial. */
const maximumExactAttempts = 16;

/** Devices that a message names one by one. */
const maximumNamedDevices = 3;

/**
 * Decides who computes what, or refuses with numbers. Pure: the same request gives the same plan.
 *
 * Without a forced shape: the fastest single device that holds the model, for splitting a model over machines never
 * makes one answer faster as long as one of them can hold it; else the pipeline of fewest devices, with layers in
 * proportion to available memory. Throws ARGUMENT_INVALID, and what the strategy throws (PROGRAM_*).
 */
export function place(request: PlacementRequest): PlacementResult {
  return new Search(request).run();
}

class Search {
  readonly #request: PlacementRequest;
  readonly #settings: PlacementSettings;
  readonly #candidates: readonly Candidate[];
  readonly #leftOut: readonly LeftOut[];
  readonly #layerCount: number;
  readonly #estimate: MemoryEstimate;
  readonly #layerPrefix: Float64Array;
  readonly #smallestLayerBytes: number;

  constructor(request: PlacementRequest) {
    this.#request = request;
    this.#settings = resolveSettings(request);
    this.#layerCount = request.costs.layers.length;
    const { storage, stored, tiedEmbedding } = this.#settings;
    const types = {
      matrix: effectiveStorage(storage.matrix, stored),
      embedding: effectiveStorage(storage.embedding, stored),
    };
    this.#estimate = new MemoryEstimate(request.costs, this.#settings, types, tiedEmbedding);
    this.#layerPrefix = prefixSums(this.#layerCount, (layer) => this.#estimate.layerBytes(layer));
    this.#smallestLayerBytes = Math.min(...request.costs.layers.map((_, layer) => this.#estimate.layerBytes(layer)));
    const found = findCandidates(request, this.#settings);
    const { runnable, leftOut } = runnableCandidates(request, this.#settings, found.usable);
    this.#candidates = runnable;
    this.#leftOut = [...found.leftOut, ...leftOut];
  }

  run(): PlacementResult {
    if (this.#candidates.length === 0) {
      const message = `No device can take part: ${this.#leftOutSummary()}`;
      return this.#refuse('PLAN_NO_DEVICES', message, {});
    }
    const { shape } = this.#request.options;
    return shape === undefined ? this.#best() : this.#forced(shape);
  }

  #best(): PlacementResult {
    return this.#single() ?? this.#smallestPipeline() ?? this.#doesNotFit();
  }

  #single(): PlacementResult | undefined {
    let attempts = 0;
    for (const candidate of this.#candidates) {
      if (this.#estimate.totalBytes > candidate.availableBytes) continue;
      if (attempts === maximumExactAttempts) break;
      attempts += 1;
      const reason =
        `The whole model fits on ${describeCandidate(candidate)}; ` +
        'splitting it over machines would only add waiting to every token.';
      const result = this.#accept([{ layers: [0, this.#layerCount], members: [candidate] }], [reason]);
      if (result !== undefined) return result;
    }
    return undefined;
  }

  #smallestPipeline(): PlacementResult | undefined {
    const preferred = this.#request.options.preferredNodeId;
    // A second device on the same memory adds none.
    const pools = new Set<string>();
    const ordered = byMemory(this.#candidates, preferred).filter((candidate) => {
      if (pools.has(candidate.memoryPool) || !this.#holdsOneLayer(candidate)) return false;
      pools.add(candidate.memoryPool);
      return true;
    });
    let attempts = 0;
    for (let count = 2; count <= Math.min(ordered.length, this.#layerCount); count += 1) {
      const chosen = ordered.slice(0, count);
      for (const order of [inPlaceOrder(chosen, preferred), withLargeEnds(chosen)]) {
        const capacities = this.#capacities(order.map((candidate) => [candidate]));
        if (!canPartition(capacities, this.#layerCount)) continue;
        if (attempts === maximumExactAttempts) return undefined;
        attempts += 1;
        const ranges = partitionLayers(capacities, this.#layerCount, true) ?? [];
        const drafts = ranges.map((layers, stage): StageDraft => ({ layers, members: [order[stage] as Candidate] }));
        const result = this.#accept(drafts, [
          `No single device holds the model, which needs ${formatBytes(this.#estimate.totalBytes)}.`,
          `${count} devices are the fewest that do; each has layers in proportion to its available memory.`,
        ]);
        if (result !== undefined) return result;
      }
    }
    return undefined;
  }

  #forced(shape: PlanShape): PlacementResult {
    const name = formatPlanShape(shape);
    const { pipelineStages, tensorMembers } = shape;
    const impossible = (reason: string): PlacementResult =>
      this.#refuse('PLAN_SHAPE_IMPOSSIBLE', `${name}: ${reason}`, {});
    if (pipelineStages > this.#layerCount) {
      return impossible(`the model has only ${this.#layerCount} layers, and every stage needs one.`);
    }
    const { maximumMembers, maximumMembersReason } = this.#request.constraints(tensorMembers);
    if (tensorMembers > maximumMembers) {
      return impossible(`a stage of this model has at most ${maximumMembers} members: ${maximumMembersReason}.`);
    }
    const needed = pipelineStages * tensorMembers;
    if (needed > this.#candidates.length) {
      const there = this.#candidates.map(nameCandidate).join(', ');
      return impossible(`needs ${needed} devices; there are ${this.#candidates.length}: ${there}.`);
    }
    const preferred = this.#request.options.preferredNodeId;
    const chosen =
      needed === 1
        ? this.#candidates.slice(0, 1)
        : inPlaceOrder(byMemory(this.#candidates, preferred).slice(0, needed), preferred);
    const groups = Array.from({ length: pipelineStages }, (_, stage) =>
      chosen.slice(stage * tensorMembers, (stage + 1) * tensorMembers),
    );
    const capacities = this.#capacities(groups);
    const ranges =
      partitionLayers(capacities, this.#layerCount, true) ?? partitionLayers(capacities, this.#layerCount, false) ?? [];
    const drafts = ranges.map((layers, stage): StageDraft => ({ layers, members: groups[stage] ?? [] }));
    const { stages, overflows } = assemble(this.#request, this.#settings, drafts);
    if (overflows.length > 0) return this.#overflow(name, overflows);
    const reasons = [`The shape ${name} was asked for; shares follow the available memory.`];
    return this.#planned(drafts, stages, reasons);
  }

  /** The plan, if the exact figures agree with the estimate. */
  #accept(drafts: readonly StageDraft[], reasons: readonly string[]): PlacementResult | undefined {
    const { stages, overflows } = assemble(this.#request, this.#settings, drafts);
    return overflows.length > 0 ? undefined : this.#planned(drafts, stages, reasons);
  }

  #planned(
    drafts: readonly StageDraft[],
    stages: Parameters<typeof planOf>[2],
    reasons: readonly string[],
  ): PlacementResult {
    const chosen = new Set(drafts.flatMap(({ members }) => members));
    const unused = this.#candidates
      .filter((candidate) => !chosen.has(candidate))
      .map((candidate) => leftOutEntry(candidate, this.#unusedReason(candidate, chosen)));
    return { plan: planOf(this.#request, this.#settings, stages, reasons, [...this.#leftOut, ...unused]) };
  }

  #unusedReason(candidate: Candidate, chosen: ReadonlySet<Candidate>): string {
    if (!this.#holdsOneLayer(candidate)) {
      return `too small for a single layer (${formatBytes(candidate.availableBytes)} available)`;
    }
    for (const { memoryPool, node } of chosen) {
      if (memoryPool === candidate.memoryPool)
        return `shares its memory with a device of ${node.nodeName} that is used`;
    }
    return 'not needed';
  }

  #doesNotFit(): PlacementResult {
    const requiredBytes = this.#estimate.totalBytes;
    const availableBytes = this.#totalAvailableBytes();
    const message =
      `${this.#request.model.name} needs ${formatBytes(requiredBytes)} ` +
      `(weights, state for ${this.#settings.slotCount} × ${this.#settings.contextLength} positions, working memory); ` +
      `the devices have ${formatBytes(availableBytes)} in all: ${this.#candidateSummary()}.`;
    const reasons = this.#candidates.map((candidate) => {
      const small = this.#holdsOneLayer(candidate) ? '' : ', too small for a single layer';
      return `${describeCandidate(candidate)}${small}`;
    });
    return this.#refuse('PLAN_DOES_NOT_FIT', message, { requiredBytes, availableBytes, reasons });
  }

  #overflow(name: string, overflows: readonly Overflow[]): PlacementResult {
    const lines = overflows.map(
      ({ candidate, neededBytes, budgetBytes }) =>
        `${nameCandidate(candidate)} needs ${formatBytes(neededBytes)} and has ${formatBytes(budgetBytes)} for it`,
    );
    return this.#refuse('PLAN_DOES_NOT_FIT', `${this.#request.model.name} as ${name}: ${lines.join('; ')}.`, {
      requiredBytes: overflows.reduce((sum, { neededBytes }) => sum + neededBytes, 0),
      availableBytes: overflows.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0),
    });
  }

  #refuse(
    code: PlanRefusal['code'],
    message: string,
    numbers: Partial<Pick<PlanRefusal, 'requiredBytes' | 'availableBytes' | 'reasons'>>,
  ): PlacementResult {
    const reasons = [...(numbers.reasons ?? []), ...this.#leftOut.map(describeLeftOut)];
    return { refusal: { code, message, ...numbers, reasons } };
  }

  /** The first few devices that were left out: enough to see what is wrong. */
  #leftOutSummary(): string {
    const named = this.#leftOut.slice(0, maximumNamedDevices).map(describeLeftOut);
    if (named.length === 0) return `none of ${this.#request.nodes.length} nodes offers one.`;
    const others = this.#leftOut.length - named.length;
    return `${named.join('; ')}${others > 0 ? `; and ${others} more` : ''}.`;
  }

  #candidateSummary(): string {
    const named = this.#candidates.slice(0, maximumNamedDevices).map(describeCandidate);
    const others = this.#candidates.length - named.length;
    return `${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
  }

  #holdsOneLayer(candidate: Candidate): boolean {
    return candidate.availableBytes >= this.#smallestLayerBytes + this.#estimate.workingBytes;
  }

  #capacities(groups: readonly (readonly Candidate[])[]): StageCapacity[] {
    const chosen = groups.flat();
    const budgets = new Map(budgetsOf(chosen).map((budget, index) => [chosen[index], budget]));
    return groups.map((members, stage): StageCapacity => {
      const budget = members.reduce((sum, member) => sum + (budgets.get(member) ?? 0), 0);
      // Every member holds the embedding, for a token's row is needed whole; the head is cut.
      const copies = members.length - 1;
      const ends =
        groups.length === 1
          ? this.#estimate.bothEndsBytes + this.#estimate.embeddingBytes * copies
          : (stage === 0 ? this.#estimate.embeddingBytes * members.length : 0) +
            (stage === groups.length - 1 ? this.#estimate.headBytes : 0);
      return {
        budgetBytes: Math.max(budget - this.#estimate.workingBytes * members.length, 0),
        layerPrefix: this.#layerPrefix,
        fixedBytes: ends,
      };
    });
  }

  #totalAvailableBytes(): number {
    return budgetsOf(this.#candidates).reduce((sum, budget) => sum + budget, 0);
  }
}

function leftOutEntry({ node, properties }: Candidate, reason: string): LeftOut {
  return { nodeName: node.nodeName, deviceId: properties.id, reason };
}

function describeLeftOut({ deviceId, nodeName, reason }: LeftOut): string {
  return `${deviceId} on ${nodeName}: ${reason}`;
}
