/**
 * The fastest sequence of units for a model. Exact search is out of question for more than a few devices; this one starts
 * from several places, adds what helps most until the model fits, and then improves by adding, removing, replacing and
 * exchanging units. It is deterministic, and bounded by a number of evaluations that grows with the number of devices.
 */
import type { Range } from '../spec/range.js';
import type { CostModel, Workload } from './cost-model.js';
import type { Unit } from './unit.js';

export interface Found {
  readonly units: readonly Unit[];
  readonly layers: readonly Range[];
  /** Of one step of the workload. */
  readonly seconds: number;
}

/** Units that the search considers, single devices and groups, by speed and by memory. */
const mostBySpeed = 40;
const mostByMemory = 40;
/** Of either kind. */
const mostStarts = 6;
const evaluationsAtLeast = 3000;
const evaluationsPerUnit = 60;
const mostEvaluations = 60_000;
/** How much the lesser reasons count, as parts of the time: they decide between equals. */
const preferredWeight = 2e-4;
const fillWeight = 1e-4;

interface Evaluation {
  /** With the lesser reasons; infinite where the layers do not fit. */
  readonly rank: number;
  /** Of the layers that find a place. */
  readonly seconds: number;
  /** Layers that find none. */
  readonly missing: number;
}

export class Search {
  readonly #layerCount: number;
  readonly #hops = new Map<Unit, Map<Unit, number>>();
  readonly #ways = new Map<Unit, Map<Unit, number>>();
  readonly #samplingSeconds: number;
  /** Of the units of a sequence, the fastest first: seconds of a layer, and how many they still take. */
  readonly #layerSeconds: Float64Array;
  readonly #layersFree: Float64Array;
  #evaluationsLeft = 0;

  constructor(
    private readonly model: CostModel,
    private readonly workload: Workload,
    private readonly preferredNodeId: string | undefined,
  ) {
    this.#layerCount = model.figures.layers.length;
    this.#samplingSeconds = model.sampling(workload);
    this.#layerSeconds = new Float64Array(this.#layerCount + 1);
    this.#layersFree = new Float64Array(this.#layerCount + 1);
  }

  /** The fastest units that hold the whole model, each by itself; fastest first. */
  alone(units: readonly Unit[]): Found[] {
    return units
      .filter((unit) => unit.fits([0, this.#layerCount], true, true))
      .map((unit) => ({ unit, rank: this.#evaluate([unit]).rank }))
      .sort((left, right) => left.rank - right.rank)
      .map(({ unit }) => this.#found([unit], [[0, this.#layerCount]]));
  }

  /** The fastest sequence of any length; `undefined` where the units do not hold the model together. */
  best(all: readonly Unit[]): Found | undefined {
    const units = shortList(all);
    this.#evaluationsLeft = Math.min(mostEvaluations, evaluationsAtLeast + evaluationsPerUnit * all.length);
    let best: { readonly units: readonly Unit[]; readonly rank: number } | undefined;
    const seen = new Set<string>();
    for (const start of this.#starts(units)) {
      const grown = this.#grow(start, units);
      if (grown === undefined) continue;
      const key = grown.map((unit) => units.indexOf(unit)).join();
      if (seen.has(key)) continue;
      seen.add(key);
      const improved = this.#improve(grown, units);
      const { rank } = this.#evaluate(improved);
      if (best === undefined || rank < best.rank) best = { units: improved, rank };
    }
    if (best === undefined) return undefined;
    const layers = this.#allocate(best.units);
    return layers === undefined ? undefined : this.#found(best.units, layers);
  }

  /** Layers for a given sequence: the fastest allocation, of equal ones that which fills memories most evenly. */
  allocated(units: readonly Unit[]): Found | undefined {
    const layers = this.#allocate(units);
    return layers === undefined ? undefined : this.#found(units, layers);
  }

  /** From single devices and from groups: a group at the beginning may leave too little for the rest. */
  #starts(units: readonly Unit[]): readonly (readonly Unit[])[] {
    const starts = byKind(units).flatMap((some) => {
      const bySpeed = some.toSorted((left, right) => left.layerSeconds - right.layerSeconds);
      const byMemory = some.toSorted((left, right) => right.middleCapacity - left.middleCapacity);
      const chosen = new Set<Unit>();
      for (let index = 0; chosen.size < mostStarts && index < some.length; index += 1) {
        chosen.add(bySpeed[index] as Unit);
        chosen.add(byMemory[index] as Unit);
      }
      return [...chosen];
    });
    return starts.map((unit) => [unit]);
  }

  /** Adds, at either end or between (where a device need not hold an end of the model), what costs least for the layers that it brings, until all of them have a place. */
  #grow(start: readonly Unit[], units: readonly Unit[]): readonly Unit[] | undefined {
    let sequence = start;
    let current = this.#evaluate(sequence);
    while (current.missing > 0 && sequence.length < this.#layerCount) {
      let best:
        | { readonly units: readonly Unit[]; readonly evaluation: Evaluation; readonly price: number }
        | undefined;
      for (const unit of units) {
        if (!isFree(unit, sequence)) continue;
        const ends = [
          [...sequence, unit],
          [unit, ...sequence],
        ];
        const between = sequence.length > 1 ? [sequence.toSpliced(-1, 0, unit)] : [];
        for (const next of [...ends, ...between]) {
          const evaluation = this.#evaluate(next);
          const gained = current.missing - evaluation.missing;
          if (gained <= 0) continue;
          const price = (evaluation.seconds - current.seconds) / gained;
          if (best === undefined || price < best.price) best = { units: next, evaluation, price };
        }
      }
      if (best === undefined) return undefined;
      sequence = best.units;
      current = best.evaluation;
    }
    return current.missing > 0 ? undefined : sequence;
  }

  /** Makes the best change of each round, as long as there is one. */
  #improve(start: readonly Unit[], units: readonly Unit[]): readonly Unit[] {
    let sequence = start;
    let { rank } = this.#evaluate(sequence);
    while (this.#evaluationsLeft > 0) {
      let best: readonly Unit[] | undefined;
      for (const next of neighbours(sequence, units, this.#layerCount)) {
        const evaluation = this.#evaluate(next);
        if (evaluation.rank < rank * (1 - 1e-9)) {
          rank = evaluation.rank;
          best = next;
        }
        this.#evaluationsLeft -= 1;
        if (this.#evaluationsLeft <= 0) break;
      }
      if (best === undefined) break;
      sequence = best;
    }
    return sequence;
  }

  /** The time of a sequence, as if all layers were alike; undefined where it does not hold the model. */
  secondsOf(units: readonly Unit[]): number | undefined {
    const { missing, seconds } = this.#evaluate(units);
    return missing > 0 ? undefined : seconds;
  }

  /** Every unit gets a layer, then the fastest as many as they hold. All layers count as alike. */
  #evaluate(units: readonly Unit[]): Evaluation {
    const count = units.length;
    let left = this.#layerCount - count;
    let seconds = this.#samplingSeconds;
    let room = 0;
    const [layerSeconds, layersFree] = [this.#layerSeconds, this.#layersFree];
    for (let index = 0; index < count; index += 1) {
      const unit = units[index] as Unit;
      const capacity = unit.capacity(index === 0, index === count - 1);
      if (capacity < 1 || left < 0) return { rank: Number.POSITIVE_INFINITY, seconds: 0, missing: this.#layerCount };
      room += unit.middleCapacity;
      seconds += unit.costs.step + unit.layerSeconds;
      seconds += index === count - 1 ? unit.costs.head : this.#hop(unit, units[index + 1] as Unit);
      // Sorted by speed while they come.
      let place = index;
      while (place > 0 && (layerSeconds[place - 1] as number) > unit.layerSeconds) {
        layerSeconds[place] = layerSeconds[place - 1] as number;
        layersFree[place] = layersFree[place - 1] as number;
        place -= 1;
      }
      layerSeconds[place] = unit.layerSeconds;
      layersFree[place] = capacity - 1;
    }
    for (let index = 0; index < count && left > 0; index += 1) {
      const taken = Math.min(left, layersFree[index] as number);
      seconds += taken * (layerSeconds[index] as number);
      left -= taken;
    }
    const [first, last] = [units[0] as Unit, units[count - 1] as Unit];
    seconds += first.costs.telling;
    if (first !== last) seconds += this.#way(last, first);
    if (left > 0) return { rank: Number.POSITIVE_INFINITY, seconds, missing: left };
    const lesser = (first.headNodeId === this.preferredNodeId ? 0 : 1) + (this.#takesPart(units) ? 0 : 0.5);
    const fill = this.#layerCount / Math.max(room, 1);
    return { rank: seconds * (1 + preferredWeight * lesser + fillWeight * fill), seconds, missing: 0 };
  }

  #takesPart(units: readonly Unit[]): boolean {
    const preferred = this.preferredNodeId;
    return preferred !== undefined && units.some(({ nodeIds }) => nodeIds.includes(preferred));
  }

  #found(units: readonly Unit[], layers: readonly Range[]): Found {
    let seconds = this.#samplingSeconds;
    for (const [index, unit] of units.entries()) {
      const next = units[index + 1];
      seconds += unit.seconds(layers[index] as Range, next === undefined);
      if (next !== undefined) seconds += this.#hop(unit, next);
    }
    const [first, last] = [units[0], units.at(-1)];
    if (first && last) seconds += first.costs.telling + this.#way(last, first);
    return { units, layers, seconds };
  }

  #hop(from: Unit, to: Unit): number {
    return cached(this.#hops, from, to, () => this.model.hop(from.members, to.members, this.workload));
  }

  #way(from: Unit, to: Unit): number {
    return cached(this.#ways, from, to, () => this.model.way(from.members, to.members));
  }

  /** Dynamic programming over layers and units: exact also where layers differ. O(units · layers²). */
  #allocate(units: readonly Unit[]): Range[] | undefined {
    const count = this.#layerCount;
    const fastest = Math.min(...units.map(({ layerSeconds }) => layerSeconds));
    // Small beside one layer's time, so that it only decides between equals.
    const evenness = (fastest * 1e-3) / units.reduce((sum, { budgetBytes }) => sum + budgetBytes, 0);
    let least = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
    least[0] = 0;
    const cuts: Int32Array[] = [];
    for (const [index, unit] of units.entries()) {
      const [isFirst, isLast] = [index === 0, index === units.length - 1];
      const next = new Float64Array(count + 1).fill(Number.POSITIVE_INFINITY);
      const cut = new Int32Array(count + 1).fill(-1);
      for (let from = isFirst ? 0 : index; from < (isFirst ? 1 : count); from += 1) {
        const before = least[from] as number;
        if (before === Number.POSITIVE_INFINITY) continue;
        let seconds = unit.costs.step;
        for (let to = from + 1; to <= count; to += 1) {
          seconds += unit.costs.layers[to - 1] as number;
          if (isLast && to < count) continue;
          const fill = unit.fill([from, to], isFirst, isLast);
          if (fill > 1) break;
          // Least where every memory is filled alike.
          const cost = before + seconds + evenness * fill * fill * unit.budgetBytes;
          if (cost < (next[to] as number)) {
            next[to] = cost;
            cut[to] = from;
          }
        }
      }
      least = next;
      cuts.push(cut);
    }
    if (least[count] === Number.POSITIVE_INFINITY) return undefined;
    const ranges: Range[] = [];
    let to = count;
    for (const cut of cuts.toReversed()) {
      const from = cut[to] as number;
      ranges.unshift([from, to]);
      to = from;
    }
    return ranges;
  }
}

function cached(table: Map<Unit, Map<Unit, number>>, from: Unit, to: Unit, compute: () => number): number {
  let row = table.get(from);
  if (row === undefined) {
    row = new Map();
    table.set(from, row);
  }
  let value = row.get(to);
  if (value === undefined) {
    value = compute();
    row.set(to, value);
  }
  return value;
}

/** A second unit on a memory adds none, and its cores are busy. */
function isFree(unit: Unit, sequence: readonly Unit[], except?: Unit): boolean {
  return !sequence.some((other) => other !== except && other.pools.some((pool) => unit.pools.includes(pool)));
}

function byKind(all: readonly Unit[]): readonly (readonly Unit[])[] {
  const units = [...new Set(all)];
  const isSingle = ({ members }: Unit): boolean => members.length === 1;
  return [units.filter(isSingle), units.filter((unit) => !isSingle(unit))];
}

function shortList(units: readonly Unit[]): readonly Unit[] {
  const kept = new Set(
    byKind(units.filter((unit) => unit.middleCapacity > 0)).flatMap((some) => [
      ...some.toSorted((left, right) => left.layerSeconds - right.layerSeconds).slice(0, mostBySpeed),
      ...some.toSorted((left, right) => right.middleCapacity - left.middleCapacity).slice(0, mostByMemory),
    ]),
  );
  return units.filter((unit) => kept.has(unit));
}

function* neighbours(
  sequence: readonly Unit[],
  units: readonly Unit[],
  mostUnits: number,
): Generator<readonly Unit[], void, undefined> {
  for (const index of sequence.keys()) {
    if (sequence.length > 1) yield sequence.toSpliced(index, 1);
    for (let other = index + 1; other < sequence.length; other += 1) {
      yield exchanged(sequence, index, other);
      // The way through a part of the ring the other way round.
      if (other > index + 1) {
        const turned = sequence.slice(index, other + 1).reverse();
        yield [...sequence.slice(0, index), ...turned, ...sequence.slice(other + 1)];
      }
    }
  }
  for (const unit of units) {
    if (sequence.includes(unit)) continue;
    for (const index of sequence.keys()) {
      // It may take the place of several, where it has the devices of several.
      const rest = sequence.filter((other, place) => place !== index && isFree(unit, [other]));
      const before = sequence.slice(0, index).filter((other) => rest.includes(other)).length;
      yield rest.toSpliced(before, 0, unit);
    }
    if (sequence.length < mostUnits && isFree(unit, sequence)) {
      for (let index = 0; index <= sequence.length; index += 1) yield sequence.toSpliced(index, 0, unit);
    }
  }
}

function exchanged(sequence: readonly Unit[], left: number, right: number): Unit[] {
  const next = [...sequence];
  next[left] = sequence[right] as Unit;
  next[right] = sequence[left] as Unit;
  return next;
}
