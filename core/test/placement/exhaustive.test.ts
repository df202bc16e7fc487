/** The search against every possible plan of the same cost model, on clusters small enough for that. */
import type { LoweredMember, PlacementRequest } from '@shoal/core';
import type { Workload } from '@shoal/core/internal/placement/cost-model.js';
import { Groups } from '@shoal/core/internal/placement/groups.js';
import { Planning } from '@shoal/core/internal/placement/planning.js';
import { Search } from '@shoal/core/internal/placement/search.js';
import { Unit } from '@shoal/core/internal/placement/unit.js';
import t from 'tap';
import { randomNumbers } from '../program/random.js';
import { llamaModel, requestFor, tiny } from './llama-model.js';
import { randomCluster } from './random-cluster.js';

const model = llamaModel(tiny, 'f32');

const programs = new Map<string, LoweredMember>();

/** All clusters run the same few programs. */
function remembered(request: PlacementRequest): PlacementRequest {
  const lowerMember: PlacementRequest['lowerMember'] = (shard, member, ...rest) => {
    const key = JSON.stringify([shard, member]);
    const program = programs.get(key) ?? request.lowerMember(shard, member, ...rest);
    programs.set(key, program);
    return program;
  };
  return { ...request, lowerMember };
}

class Bench {
  readonly planning: Planning;
  readonly groups: Groups;

  constructor(
    request: PlacementRequest,
    readonly workload: Workload,
  ) {
    this.planning = new Planning(request);
    this.groups = new Groups(
      request,
      this.planning.model,
      (candidate) => candidate.availableBytes,
      (members, shares) => this.unit(members, shares),
    );
  }

  unit(members: Unit['members'], shares: readonly number[]): Unit {
    const { planning, workload } = this;
    return new Unit(members, shares, planning.model, planning.sums, workload, (one) => one.availableBytes);
  }

  get singles(): Unit[] {
    return this.planning.candidates.map((candidate) => this.unit([{ candidate, weights: 1, state: 1, head: 1 }], [1]));
  }

  /** What the planner finds. */
  searched(): number {
    const { planning, singles } = this;
    const search = new Search(planning.model, this.workload, undefined);
    const bySpeed = singles
      .toSorted((left, right) => left.layerSeconds - right.layerSeconds)
      .flatMap(({ members }) => members.map(({ candidate }) => candidate));
    const groups = this.groups.find(bySpeed);
    return search.best([...singles, ...groups])?.seconds ?? Number.POSITIVE_INFINITY;
  }

  /** The least of all: every group with every cut, every order, every allocation of layers. */
  exhaustive(steps: number): number {
    const { singles, planning } = this;
    const units = [...singles];
    for (let bits = 1; steps > 0 && bits < 2 ** singles.length; bits += 1) {
      const chosen = planning.candidates.filter((_, index) => (bits >> index) & 1);
      if (chosen.length < 2) continue;
      const seen = new Set<string>();
      for (const shares of compositions(steps, chosen.length)) {
        const unit = this.groups.unit(chosen, shares);
        const key = JSON.stringify(unit.members.map(({ weights, state, head }) => [weights, state, head]));
        if (!seen.has(key)) units.push(unit);
        seen.add(key);
      }
    }
    return this.#leastAfter([], units, Number.POSITIVE_INFINITY);
  }

  #leastAfter(sequence: readonly Unit[], units: readonly Unit[], least: number): number {
    let best = sequence.length === 0 ? least : Math.min(least, this.#leastOf(sequence));
    for (const unit of units) {
      const isFree = !sequence.some(({ pools }) => pools.some((pool) => unit.pools.includes(pool)));
      if (isFree && unit.capacity(false, false) > 0) best = this.#leastAfter([...sequence, unit], units, best);
    }
    return best;
  }

  #leastOf(sequence: readonly Unit[]): number {
    const { model: costs, layerCount } = this.planning;
    const [first, last] = [sequence[0] as Unit, sequence.at(-1) as Unit];
    let fixed =
      costs.sampling(this.workload) + first.costs.telling + last.costs.head + costs.way(last.members, first.members);
    for (const [index, unit] of sequence.entries()) {
      const next = sequence[index + 1];
      fixed += unit.costs.step + (next ? costs.hop(unit.members, next.members, this.workload) : 0);
    }
    const place = (index: number, from: number): number => {
      const unit = sequence[index];
      if (unit === undefined) return from === layerCount ? 0 : Number.POSITIVE_INFINITY;
      let best = Number.POSITIVE_INFINITY;
      for (let to = from + 1; to <= layerCount; to += 1) {
        if (!unit.fits([from, to], index === 0, index === sequence.length - 1)) break;
        best = Math.min(best, (unit.costs.layers[from] ?? 0) * (to - from) + place(index + 1, to));
      }
      return best;
    };
    return fixed + place(0, 0);
  }
}

/** All ways of `parts` numbers that add up to `total`; not all of it in one part. */
function* compositions(total: number, parts: number): Generator<number[]> {
  if (parts === 1) {
    yield [total];
    return;
  }
  for (let first = 0; first <= total; first += 1) {
    for (const rest of compositions(total - first, parts - 1)) {
      const all = [first, ...rest];
      if (parts === all.length && Math.max(...all) < total) yield all;
      else if (Math.max(...all) < total || total === 0) yield all;
    }
  }
}

const tolerance = 1.02;

interface Round {
  readonly name: string;
  readonly clusters: number;
  readonly devices: number;
  /** Part of the links that are fast. */
  readonly near: number;
  /** Steps of shares that the exhaustive search tries. */
  readonly steps: number;
  readonly workload: Workload;
}

const rounds: readonly Round[] = [
  { name: 'two devices, far or near', clusters: 1000, devices: 2, near: 0.7, steps: 12, workload: 'token' },
  { name: 'three devices, far or near', clusters: 400, devices: 3, near: 0.5, steps: 6, workload: 'token' },
  { name: 'three devices, all slots', clusters: 100, devices: 3, near: 0.5, steps: 6, workload: 'batch' },
  { name: 'four devices, far from each other', clusters: 500, devices: 4, near: 0, steps: 0, workload: 'token' },
  { name: 'five devices, far from each other', clusters: 120, devices: 5, near: 0, steps: 0, workload: 'token' },
  { name: 'four devices, near each other', clusters: 12, devices: 4, near: 0.6, steps: 4, workload: 'token' },
];

for (const [index, { name, clusters, devices, near, steps, workload }] of rounds.entries()) {
  t.test(name, async (t) => {
    const random = randomNumbers(index + 1);
    let [plans, worst, equal] = [0, 1, 0];
    for (let count = 0; count < clusters; count += 1) {
      const { nodes, links } = randomCluster(random, devices, near);
      const request = remembered({ ...requestFor(model, nodes, { contextLength: 256, slotCount: 2 }), links });
      const bench = new Bench(request, workload);
      const least = bench.exhaustive(steps);
      const found = bench.searched();
      if (!Number.isFinite(least)) {
        if (Number.isFinite(found) && near === 0) t.fail(`cluster ${count}: a plan was found where there is none`);
        continue;
      }
      plans += 1;
      const ratio = found / least;
      if (ratio <= 1 + 1e-9) equal += 1;
      worst = Math.max(worst, ratio);
      if (ratio > tolerance)
        t.fail(`cluster ${count}: ${(found * 1000).toFixed(3)} ms, not ${(least * 1000).toFixed(3)}`);
    }
    t.ok(plans > clusters / 4, `${plans} of ${clusters} clusters hold the model`);
    t.ok(worst <= tolerance, `the worst plan is ${((worst - 1) * 100).toFixed(2)} % from the best`);
    t.comment(`${equal} of ${plans} plans are the best one, the worst is ${((worst - 1) * 100).toFixed(2)} % off`);
  });
}
