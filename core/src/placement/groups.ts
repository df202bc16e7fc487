/** Groups of devices that could share layers: only where an exchange in every layer may pay. */
import { cutsFor } from '../program/cuts.js';
import type { BackendCapabilities } from '../spec/backend.js';
import type { ShardingConstraints } from '../spec/sharding.js';
import { alignmentOf } from './assembly.js';
import type { Candidate } from './candidates.js';
import { type CostModel, type StageMember, sharesBySpeed } from './cost-model.js';
import type { PlacementRequest } from './request.js';
import type { Unit } from './unit.js';

/** Slower paths are never worth two exchanges a layer. */
const mostLatencySeconds = 1e-3;
const mostMembers = 8;
/** Devices that a group may begin with, and those that are tried beside each member: keeps the number of groups small. */
const mostAnchors = 6;
const mostNeighbours = 10;
/** In clusters of so few, all groups are tried. */
const smallCluster = 5;
/** A member that gains less is one more that can fail. */
const leastGain = 0.01;

/** Parts of all that are moved between members to find better shares. */
const shareSteps = [1 / 4, 1 / 8, 1 / 16, 1 / 32, 1 / 64];
/** By how many steps shares are tried out at first, for so many members. */
const gridSteps: Readonly<Record<number, number>> = { 2: 24, 3: 12 };
const mostTriesPerGroup = 96;
/** For all groups of a search together. */
const mostTries = 800;

/** Layers that it holds as the only stage, the one that needs most room. */
const room = (unit: Unit): number => unit.exactCapacity(true, true);

export class Groups {
  #triesLeft = 0;
  readonly #alignments = new Map<BackendCapabilities, number>();
  readonly #constraints = new Map<number, ReturnType<PlacementRequest['constraints']>>();

  constructor(
    private readonly request: PlacementRequest,
    private readonly model: CostModel,
    private readonly budgetOf: (candidate: Candidate) => number,
    private readonly unitOf: (
      members: readonly StageMember[],
      shares: readonly number[],
      candidates: readonly Candidate[],
    ) => Unit,
  ) {}

  /** Of devices in the order given, which is that of their speeds. */
  find(candidates: readonly Candidate[]): Unit[] {
    this.#triesLeft = mostTries;
    const clusters = this.#clusters(candidates);
    const found = clusters.flatMap((cluster) =>
      cluster.length <= smallCluster ? subsets(cluster) : this.#grown(cluster),
    );
    const seen = new Set<string>();
    return found.flatMap((members) => {
      const key = members.map((one) => candidates.indexOf(one)).join();
      if (seen.has(key)) return [];
      seen.add(key);
      return this.groupsOf(members).filter((unit) => this.#isWorthIt(unit));
    });
  }

  /**
   * Of these devices: with the shares that are fastest, with the fastest of those that hold the most layers, and with shares
   * by memory.
   */
  groupsOf(candidates: readonly Candidate[]): Unit[] {
    if (candidates.length > this.#constraintsFor(candidates.length).maximumMembers) return [];
    const bySpeed = this.unit(candidates, sharesBySpeed(this.model, candidates));
    const byMemory = this.unit(
      candidates,
      candidates.map((one) => Math.max(1, this.budgetOf(one))),
    );
    const layerCount = this.model.figures.layers.length;
    const starts = [bySpeed, byMemory, ...this.#grid(candidates)];
    const fastest = this.#refined(candidates, best(starts, 0), 0);
    // For so many layers, too, for a pipeline may want some of them here and others elsewhere.
    const larger = [...new Set([1, 3 / 4, 1 / 2, 3 / 8, 1 / 4].map((part) => Math.ceil(layerCount * part)))]
      .filter((layers) => room(fastest) < layers)
      .map((layers) => this.#refined(candidates, best(starts, layers), layers));
    return [...new Set([fastest, ...larger, ...(larger.length > 0 ? [byMemory] : [])])];
  }

  /** Whether its slowest member is missed: one that gains next to nothing is only one more that can fail. */
  #isWorthIt(unit: Unit): boolean {
    const rest = unit.members.slice(0, -1).map(({ candidate }) => candidate);
    const without = this.unit(rest, rest.length === 1 ? [1] : unit.shares.slice(0, -1));
    const layerCount = this.model.figures.layers.length;
    return (
      room(without) < Math.min(layerCount, room(unit)) || unit.layerSeconds < without.layerSeconds * (1 - leastGain)
    );
  }

  unit(candidates: readonly Candidate[], shares: readonly number[]): Unit {
    const alignment = this.#alignmentOf(candidates);
    const cuts = cutsFor(this.#constraintsFor(candidates.length), shares, alignment);
    const fractions = this.model.figures.fractions(cuts, candidates.length);
    const members = candidates.map((candidate, index): StageMember => {
      const fraction = fractions[index] ?? { weights: 0, state: 0, head: 0 };
      return { candidate, ...fraction };
    });
    return this.unitOf(members, shares, candidates);
  }

  /**
   * Moves shares from member to member while that makes it faster, or makes room for so many layers: cuts fall on whole
   * heads and blocks, so that proportion is not always best.
   */
  #refined(candidates: readonly Candidate[], start: Unit, layers: number): Unit {
    const total = start.shares.reduce((sum, share) => sum + share, 0);
    const steps = [1 / coarsestUnits(this.#constraintsFor(candidates.length)), ...shareSteps];
    let refined = start;
    let tries = 0;
    for (let hasImproved = true; hasImproved; ) {
      hasImproved = false;
      for (const part of steps) {
        for (const from of candidates.keys()) {
          // Where there is room enough, only whom the others wait for has too much.
          if (from !== refined.costs.slowest && room(refined) >= layers) continue;
          for (const to of candidates.keys()) {
            const available = refined.shares[from] as number;
            if (from === to || available <= 0) continue;
            if (tries === mostTriesPerGroup || this.#triesLeft === 0) return refined;
            tries += 1;
            this.#triesLeft -= 1;
            const moved = Math.min(available, total * part);
            const shares = refined.shares
              .with(from, available - moved)
              .with(to, (refined.shares[to] as number) + moved);
            const next = this.unit(candidates, shares);
            if (!isBetter(next, refined, layers)) continue;
            refined = next;
            hasImproved = true;
          }
        }
      }
    }
    return refined;
  }

  /** Even steps of shares, where there are few members. */
  #grid(candidates: readonly Candidate[]): Unit[] {
    const steps = gridSteps[candidates.length];
    if (steps === undefined || this.#triesLeft < steps * steps) return [];
    const units = sharesInSteps(steps, candidates.length).map((shares) => this.unit(candidates, shares));
    this.#triesLeft -= units.length;
    return units;
  }

  /** Devices joined by fast paths that are known. */
  #clusters(candidates: readonly Candidate[]): Candidate[][] {
    const anchors = candidates.length <= smallCluster * 2 ? candidates : candidates.slice(0, mostAnchors);
    const seen = new Set<string>();
    return anchors.flatMap((anchor) => {
      const near = candidates.filter((other) => other !== anchor && this.#isNear(anchor, other));
      if (near.length === 0) return [];
      const byLatency = near
        .map((other) => ({ other, latency: this.model.path(anchor, other).latencySeconds }))
        .sort((left, right) => left.latency - right.latency)
        .slice(0, mostNeighbours / 2)
        .map(({ other }) => other);
      const cluster = new Set([anchor, ...byLatency, ...near.slice(0, mostNeighbours / 2)]);
      const sorted = candidates.filter((one) => cluster.has(one));
      const key = sorted.map((one) => candidates.indexOf(one)).join();
      if (sorted.length <= smallCluster && seen.has(key)) return [];
      seen.add(key);
      return [sorted.length <= smallCluster ? sorted : [anchor, ...sorted.filter((one) => one !== anchor)]];
    });
  }

  /** From the first device on, whoever helps most joins, as long as it helps. */
  #grown([anchor, ...neighbours]: readonly Candidate[]): Candidate[][] {
    if (anchor === undefined) return [];
    const found: Candidate[][] = [];
    let members = [anchor];
    let seconds = this.unit(members, [1]).layerSeconds;
    const most = Math.min(mostMembers, this.#constraintsFor(2).maximumMembers);
    while (members.length < most) {
      const options = neighbours
        .filter((one) => !members.includes(one) && members.every((other) => this.#isNear(other, one)))
        .map((one) => {
          const next = [...members, one];
          return { next, seconds: this.unit(next, sharesBySpeed(this.model, next)).layerSeconds };
        });
      const nearest = options.reduce<(typeof options)[number] | undefined>(
        (least, one) => (least === undefined || one.seconds < least.seconds ? one : least),
        undefined,
      );
      if (nearest === undefined || nearest.seconds > seconds * (1 - leastGain)) break;
      members = nearest.next;
      seconds = nearest.seconds;
      found.push(members);
    }
    return found;
  }

  #isNear(left: Candidate, right: Candidate): boolean {
    const { paths } = this.model;
    const isKnown = paths.isKnown(left.node, right.node) && paths.isKnown(right.node, left.node);
    return (
      isKnown &&
      Math.max(this.model.path(left, right).latencySeconds, this.model.path(right, left).latencySeconds) <=
        mostLatencySeconds
    );
  }

  /** Most devices have the same capabilities as others. */
  #alignmentOf(candidates: readonly Candidate[]): number {
    const [first] = candidates;
    if (first === undefined || candidates.length === 1) return 1;
    const others = candidates.filter(({ device }) => device.capabilities !== first.device.capabilities);
    if (others.length > 0) return alignmentOf(candidates, this.model.settings);
    let alignment = this.#alignments.get(first.device.capabilities);
    if (alignment === undefined) {
      alignment = alignmentOf(candidates, this.model.settings);
      this.#alignments.set(first.device.capabilities, alignment);
    }
    return alignment;
  }

  #constraintsFor(members: number): ReturnType<PlacementRequest['constraints']> {
    let constraints = this.#constraints.get(members);
    if (constraints === undefined) {
      constraints = this.request.constraints(members);
      this.#constraints.set(members, constraints);
    }
    return constraints;
  }
}

/** Units of the axis that has the fewest, such as groups of attention heads. */
function coarsestUnits({ axes }: ShardingConstraints): number {
  return Math.min(...axes.map(({ size, granularity, groupSize = 1 }) => size / Math.max(granularity, groupSize)));
}

/** Less lack of room for so many layers; of equal ones, less time. */
function isBetter(next: Unit, than: Unit, layers: number): boolean {
  const lack = Math.max(0, layers - room(next));
  const lackBefore = Math.max(0, layers - room(than));
  return lack === lackBefore ? next.layerSeconds < than.layerSeconds * (1 - 1e-9) : lack < lackBefore;
}

function best(units: readonly Unit[], layers: number): Unit {
  return units.reduce((least, one) => (isBetter(one, least, layers) ? one : least));
}

/** All ways of positive numbers that add up to `total`. */
function sharesInSteps(total: number, parts: number): number[][] {
  if (parts === 1) return [[total]];
  return Array.from({ length: total - parts + 1 }, (_, index) => index + 1).flatMap((first) =>
    sharesInSteps(total - first, parts - 1).map((rest) => [first, ...rest]),
  );
}

/** Every choice of two or more. */
function subsets(candidates: readonly Candidate[]): Candidate[][] {
  const found: Candidate[][] = [];
  for (let bits = 1; bits < 2 ** candidates.length; bits += 1) {
    const members = candidates.filter((_, index) => (bits >> index) & 1);
    if (members.length > 1) found.push(members);
  }
  return found;
}
