/** One placement in progress: what the policies share. */
import type { Plan, PlanRefusal } from '../spec/plan.js';
import { type Assembly, assemble, type Overflow, planOf, type StageDraft } from './assembly.js';
import {
  type Candidate,
  type Candidates,
  describeCandidate,
  findCandidates,
  type LeftOut,
  nameCandidate,
  poolBytes,
} from './candidates.js';
import { CostModel } from './cost-model.js';
import { ModelFigures } from './figures.js';
import { formatBytes } from './format.js';
import { effectiveStorage, MemoryEstimate } from './memory.js';
import { whatWouldFit } from './needs.js';
import { prefixSums } from './partition.js';
import { Paths } from './paths.js';
import { predictPlan } from './prediction.js';
import type { ConsideredPlan, PlacementRequest, PlacementResult } from './request.js';
import { runnableCandidates } from './runnable.js';
import { type PlacementSettings, resolveSettings } from './settings.js';
import { LayerSums } from './unit.js';

/** Devices that a message names one by one. */
const maximumNamedDevices = 3;

export class Planning {
  readonly settings: PlacementSettings;
  readonly candidates: readonly Candidate[];
  readonly leftOut: readonly LeftOut[];
  readonly layerCount: number;
  readonly estimate: MemoryEstimate;
  readonly layerPrefix: Float64Array;
  readonly model: CostModel;
  readonly sums: LayerSums;
  readonly #smallestLayerBytes: number;

  constructor(
    readonly request: PlacementRequest,
    /** What is known of the candidates already, where several plans are made of one request. */
    known?: Candidates,
  ) {
    this.settings = resolveSettings(request);
    this.layerCount = request.costs.layers.length;
    const { storage, stored, tiedEmbedding } = this.settings;
    const types = {
      matrix: effectiveStorage(storage.matrix, stored),
      embedding: effectiveStorage(storage.embedding, stored),
    };
    this.estimate = new MemoryEstimate(request.costs, this.settings, types, tiedEmbedding);
    this.layerPrefix = prefixSums(this.layerCount, (layer) => this.estimate.layerBytes(layer));
    this.#smallestLayerBytes = Math.min(...request.costs.layers.map((_, layer) => this.estimate.layerBytes(layer)));
    const found = known ?? this.#findCandidates();
    this.candidates = found.usable;
    this.leftOut = found.leftOut;
    this.model = new CostModel(new ModelFigures(request, this.settings), new Paths(request.links), this.settings);
    this.sums = new LayerSums(this.model.figures);
  }

  #findCandidates(): Candidates {
    const found = findCandidates(this.request, this.settings);
    const { runnable, leftOut } = runnableCandidates(this.request, this.settings, found.usable);
    return { usable: runnable, leftOut: [...found.leftOut, ...leftOut] };
  }

  assemble(drafts: readonly StageDraft[]): Assembly {
    return assemble(this.request, this.settings, drafts);
  }

  /** The plan of stages that fit. `unusedReason`: why a device has no part, where there is more to say than that. */
  planned(
    drafts: readonly StageDraft[],
    { stages }: Assembly,
    reasons: readonly string[],
    how: {
      readonly considered?: readonly ConsideredPlan[];
      readonly unusedReason?: (candidate: Candidate) => string | undefined;
    } = {},
  ): PlacementResult {
    const chosen = new Set(drafts.flatMap(({ members }) => members));
    const unused = this.candidates
      .filter((candidate) => !chosen.has(candidate))
      .map((candidate) => leftOutEntry(candidate, this.#unusedReason(candidate, chosen, how.unusedReason)));
    const notes = [...chosen].flatMap(({ node }) =>
      node.derating !== undefined && node.derating.factor < 1
        ? [`${node.nodeName} counts as ${Math.round(node.derating.factor * 100)} % of itself: ${node.derating.reason}.`]
        : [],
    );
    const plan = planOf(this.request, this.settings, stages, {
      reasons: [...reasons, ...new Set(notes)],
      leftOut: [...this.leftOut, ...unused],
    });
    const predicted = predictPlan(plan, this.model, this.candidates);
    return {
      plan: predicted === undefined ? plan : { ...plan, predicted },
      ...(how.considered === undefined ? {} : { considered: how.considered }),
    };
  }

  #unusedReason(
    candidate: Candidate,
    chosen: ReadonlySet<Candidate>,
    reasonOf: ((candidate: Candidate) => string | undefined) | undefined,
  ): string {
    if (!this.holdsOneLayer(candidate)) {
      return `too small for a single layer (${formatBytes(candidate.availableBytes)} available)`;
    }
    for (const { memoryPool, node } of chosen) {
      if (memoryPool === candidate.memoryPool)
        return `shares its memory with a device of ${node.nodeName} that is used`;
    }
    return reasonOf?.(candidate) ?? 'not needed';
  }

  doesNotFit(): PlacementResult {
    const requiredBytes = Math.ceil(this.estimate.totalBytes);
    const availableBytes = Math.floor(poolBytes(this.candidates));
    const message =
      `${this.request.model.name} needs ${formatBytes(requiredBytes)} ` +
      `(weights, state for ${this.settings.slotCount} × ${this.settings.contextLength} positions, working memory); ` +
      `the devices have ${formatBytes(availableBytes)} in all: ${this.#candidateSummary()}.`;
    const reasons = this.candidates.map((candidate) => {
      const small = this.holdsOneLayer(candidate) ? '' : ', too small for a single layer';
      return `${describeCandidate(candidate)}${small}`;
    });
    const { remedies, ...needs } = whatWouldFit(this);
    return this.refuse('PLAN_DOES_NOT_FIT', message, {
      requiredBytes,
      availableBytes,
      ...needs,
      reasons: [...remedies, ...reasons],
    });
  }

  overflow(name: string, overflows: readonly Overflow[]): PlacementResult {
    const lines = overflows.map(
      ({ candidate, neededBytes, budgetBytes }) =>
        `${nameCandidate(candidate)} needs ${formatBytes(neededBytes)} and has ${formatBytes(budgetBytes)} for it`,
    );
    return this.refuse('PLAN_DOES_NOT_FIT', `${this.request.model.name} as ${name}: ${lines.join('; ')}.`, {
      requiredBytes: Math.ceil(overflows.reduce((sum, { neededBytes }) => sum + neededBytes, 0)),
      availableBytes: Math.floor(overflows.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0)),
    });
  }

  refuse(
    code: PlanRefusal['code'],
    message: string,
    numbers: Partial<Omit<PlanRefusal, 'code' | 'message'>> = {},
  ): PlacementResult {
    const reasons = [...(numbers.reasons ?? []), ...this.leftOut.map(describeLeftOut)];
    return { refusal: { code, message, ...numbers, reasons } };
  }

  noDevices(): PlacementResult {
    return this.refuse('PLAN_NO_DEVICES', `No device can take part: ${this.#leftOutSummary()}`);
  }

  /** The first few devices that were left out: enough to see what is wrong. */
  #leftOutSummary(): string {
    const named = this.leftOut.slice(0, maximumNamedDevices).map(describeLeftOut);
    if (named.length === 0) return `none of ${this.request.nodes.length} nodes offers one.`;
    const others = this.leftOut.length - named.length;
    return `${named.join('; ')}${others > 0 ? `; and ${others} more` : ''}.`;
  }

  #candidateSummary(): string {
    const named = this.candidates.slice(0, maximumNamedDevices).map(describeCandidate);
    const others = this.candidates.length - named.length;
    return `${named.join(', ')}${others > 0 ? ` and ${others} more` : ''}`;
  }

  holdsOneLayer(candidate: Candidate): boolean {
    return candidate.availableBytes >= this.#smallestLayerBytes + this.estimate.workingBytes;
  }

  /** One device of each memory, for a second one adds none; of those that hold a layer. */
  onePerPool(ordered: readonly Candidate[]): Candidate[] {
    const pools = new Set<string>();
    return ordered.filter((candidate) => {
      if (pools.has(candidate.memoryPool) || !this.holdsOneLayer(candidate)) return false;
      pools.add(candidate.memoryPool);
      return true;
    });
  }
}

function leftOutEntry({ node, properties }: Candidate, reason: string): Plan['leftOut'][number] {
  return { nodeName: node.nodeName, deviceId: properties.id, reason };
}

function describeLeftOut({ deviceId, nodeName, reason }: LeftOut): string {
  return `${deviceId} on ${nodeName}: ${reason}`;
}
