/** What can become a stage: one device, or several that share every layer. */
import type { Range } from '../spec/range.js';
import type { Candidate } from './candidates.js';
import type { CostModel, StageCosts, StageMember, Workload } from './cost-model.js';
import type { ModelFigures } from './figures.js';
import { marginPerWeightByte } from './memory.js';

/** Sums over the layers of a model, which every unit's needs are made of. */
export class LayerSums {
  readonly weights: Float64Array;
  readonly states: Float64Array;
  /** Of a layer in the mean. */
  readonly meanWeightBytes: number;
  readonly meanStateBytes: number;

  constructor({ layers }: ModelFigures) {
    this.weights = prefixSums(layers.map(({ weightBytes }) => weightBytes));
    this.states = prefixSums(layers.map(({ stateBytes }) => stateBytes));
    this.meanWeightBytes = (this.weights[layers.length] as number) / layers.length;
    this.meanStateBytes = (this.states[layers.length] as number) / layers.length;
  }

  weightBytes([from, to]: Range): number {
    return (this.weights[to] as number) - (this.weights[from] as number);
  }

  stateBytes([from, to]: Range): number {
    return (this.states[to] as number) - (this.states[from] as number);
  }
}

function prefixSums(values: readonly number[]): Float64Array {
  const sums = new Float64Array(values.length + 1);
  for (const [index, value] of values.entries()) sums[index + 1] = (sums[index] as number) + value;
  return sums;
}

/** Members on one memory, added up. */
interface PoolLoad {
  readonly budgetBytes: number;
  members: number;
  weights: number;
  state: number;
  head: number;
}

export class Unit {
  readonly pools: readonly string[];
  readonly nodeIds: readonly string[];
  readonly costs: StageCosts;
  /** Mean over the layers. */
  readonly layerSeconds: number;
  readonly #loads: readonly PoolLoad[];
  readonly #capacities: (number | undefined)[] = [undefined, undefined, undefined, undefined];

  constructor(
    readonly members: readonly StageMember[],
    /** In proportion to which the cuts fall. */
    readonly shares: readonly number[],
    private readonly model: CostModel,
    private readonly sums: LayerSums,
    workload: Workload,
    budgetOf: (candidate: Candidate) => number,
    /** Those of the members, where many units are made of the same ones. */
    candidates: readonly Candidate[] = members.map(({ candidate }) => candidate),
  ) {
    const loads = new Map<string, PoolLoad>();
    for (const { candidate, weights, state, head } of members) {
      const pool = candidate.memoryPool;
      const budgetBytes = Math.min(budgetOf(candidate), loads.get(pool)?.budgetBytes ?? Number.POSITIVE_INFINITY);
      const load = loads.get(pool) ?? { budgetBytes, members: 0, weights: 0, state: 0, head: 0 };
      loads.set(pool, {
        budgetBytes,
        members: load.members + 1,
        weights: load.weights + weights,
        state: load.state + state,
        head: load.head + head,
      });
    }
    this.pools = [...loads.keys()];
    this.#loads = [...loads.values()];
    this.nodeIds = members.map(({ candidate }) => candidate.node.nodeId);
    this.costs = model.stage(members, workload, candidates);
    this.layerSeconds = this.costs.layers.reduce((sum, one) => sum + one, 0) / this.costs.layers.length;
  }

  /** Where the head would be. */
  get headNodeId(): string | undefined {
    return this.nodeIds[0];
  }

  /** Most layers that it holds between the ends. */
  get middleCapacity(): number {
    return this.capacity(false, false);
  }

  get budgetBytes(): number {
    return this.#loads.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0);
  }

  /** Most layers that it holds, at either end of the model or between; as if all layers were alike. */
  capacity(isFirst: boolean, isLast: boolean): number {
    const key = (isFirst ? 1 : 0) + (isLast ? 2 : 0);
    let capacity = this.#capacities[key];
    if (capacity === undefined) {
      const count = this.model.figures.layers.length;
      capacity = Math.max(0, Math.min(count, Math.floor(this.exactCapacity(isFirst, isLast) + 1e-9)));
      this.#capacities[key] = capacity;
    }
    return capacity;
  }

  /** The same with a part of a layer, without end; below 0 where not even the ends fit. */
  exactCapacity(isFirst: boolean, isLast: boolean): number {
    const { meanWeightBytes, meanStateBytes } = this.sums;
    let least = Number.POSITIVE_INFINITY;
    for (const load of this.#loads) {
      const free = load.budgetBytes - this.#fixedBytes(load, isFirst, isLast);
      const layer = meanWeightBytes * load.weights * (1 + marginPerWeightByte) + meanStateBytes * load.state;
      // A member without a share holds any number of layers, if it holds what every member does.
      const capacity = layer === 0 ? (free < 0 ? -1 : this.model.figures.layers.length) : free / layer;
      least = Math.min(least, capacity);
    }
    return least;
  }

  fits(layers: Range, isFirst: boolean, isLast: boolean): boolean {
    return this.fill(layers, isFirst, isLast) <= 1;
  }

  /** What it needs of what it has, at the member where that is most. */
  fill(layers: Range, isFirst: boolean, isLast: boolean): number {
    const weights = this.sums.weightBytes(layers) * (1 + marginPerWeightByte);
    const states = this.sums.stateBytes(layers);
    let most = 0;
    for (const load of this.#loads) {
      const need = this.#fixedBytes(load, isFirst, isLast) + weights * load.weights + states * load.state;
      most = Math.max(most, need / Math.max(load.budgetBytes, 1));
    }
    return most;
  }

  seconds([from, to]: Range, isLast: boolean): number {
    let seconds = this.costs.step + (isLast ? this.costs.head : 0);
    for (let layer = from; layer < to; layer += 1) seconds += this.costs.layers[layer] as number;
    return seconds;
  }

  /** Every member holds the whole embedding, for a token's row is needed whole; the head is cut. */
  #fixedBytes({ members, head }: PoolLoad, isFirst: boolean, isLast: boolean): number {
    const { embeddingBytes, head: whole, workingBytes, tiedEmbedding } = this.model.figures;
    const heads = isLast ? whole.weightBytes * head : 0;
    const embeddings = isFirst ? embeddingBytes * members : 0;
    const isOne = tiedEmbedding && isFirst && isLast && this.members.length === 1;
    const ends = isOne ? Math.max(heads, embeddings) : heads + embeddings;
    return ends * (1 + marginPerWeightByte) + workingBytes * members;
  }
}
