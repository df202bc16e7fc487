/** The policy `fastest`: the plan with the least predicted time, alone or split, with what was looked at besides. */
import type { StageDraft } from './assembly.js';
import { type Candidate, describeCandidate, nameCandidate } from './candidates.js';
import type { Workload } from './cost-model.js';
import { formatBytes, formatMilliseconds } from './format.js';
import { Groups } from './groups.js';
import type { Planning } from './planning.js';
import type { ConsideredPlan, PlacementResult } from './request.js';
import { type Found, Search } from './search.js';
import { Unit } from './unit.js';

/** A split must be predicted to be so much faster than one device that holds the model: predictions err. */
const leastGain = 0.1;
/** The same where figures behind it were not measured. */
const leastGainUnmeasured = 0.3;
/** Plans whose exact needs exceed what the estimate promised before the search ends: keeps it polynomial. */
const maximumExactAttempts = 12;
/** Devices for which the plan with them is looked at, too. */
const mostExplained = 32;

export function placeFastest(planning: Planning): PlacementResult {
  return new Fastest(planning).run();
}

class Fastest {
  readonly #workload: Workload;
  /** What of a device's memory is planned with: less where exact needs were above the estimate. */
  readonly #scale = new Map<Candidate, number>();

  constructor(private readonly planning: Planning) {
    this.#workload = planning.request.options.objective === 'throughput' ? 'batch' : 'token';
  }

  run(): PlacementResult {
    for (let attempt = 0; attempt < maximumExactAttempts; attempt += 1) {
      const result = this.#attempt();
      if (result !== undefined) return result;
    }
    return this.planning.doesNotFit();
  }

  /** Undefined when the exact needs say that it must be tried again. */
  #attempt(): PlacementResult | undefined {
    const { planning } = this;
    const preferred = planning.request.options.preferredNodeId;
    const search = new Search(planning.model, this.#workload, preferred);
    const budgetOf = (candidate: Candidate): number => candidate.availableBytes * (this.#scale.get(candidate) ?? 1);
    const unit = (members: Unit['members'], shares: readonly number[], candidates?: readonly Candidate[]): Unit =>
      new Unit(members, shares, planning.model, planning.sums, this.#workload, budgetOf, candidates);
    const singles = planning.candidates
      .filter((candidate) => planning.holdsOneLayer(candidate))
      .map((candidate) => unit([{ candidate, weights: 1, state: 1, head: 1 }], [1]));
    const bySpeed = singles
      .toSorted((left, right) => left.layerSeconds - right.layerSeconds)
      .map(({ members }) => (members[0] as Unit['members'][number]).candidate);
    const groups = new Groups(planning.request, planning.model, budgetOf, unit).find(bySpeed);
    const alone = search.alone(singles);
    const best = search.best([...singles, ...groups]);
    const chosen = this.#choose(alone[0], best);
    if (chosen === undefined) return planning.doesNotFit();
    const drafts = draftsOf(chosen);
    const assembly = planning.assemble(drafts);
    if (assembly.overflows.length > 0) {
      for (const { candidate, neededBytes, budgetBytes } of assembly.overflows) {
        const scale = this.#scale.get(candidate) ?? 1;
        this.#scale.set(candidate, scale * Math.min(0.99, (budgetBytes / neededBytes) * 0.995));
      }
      return undefined;
    }
    const unusedReason = this.#unusedReasons(search, singles, chosen);
    return planning.planned(drafts, assembly, this.#reasons(chosen, alone[0], best), {
      considered: this.#considered(chosen, alone, best),
      unusedReason,
    });
  }

  #choose(alone: Found | undefined, best: Found | undefined): Found | undefined {
    if (alone === undefined || best === undefined) return best ?? alone;
    return best.seconds < alone.seconds * (1 - this.#gainNeeded(best)) ? best : alone;
  }

  #gainNeeded({ units }: Found): number {
    const source = this.planning.model.source(units.map(({ members }) => members));
    return source === 'measured' || source === 'driver' ? leastGain : leastGainUnmeasured;
  }

  #reasons(chosen: Found, alone: Found | undefined, best: Found | undefined): string[] {
    const what = this.#workload === 'token' ? 'a token' : 'a step of all slots';
    const time = ({ seconds }: Found): string => `${formatMilliseconds(seconds * 1000)} ${what}`;
    if (alone !== undefined && chosen.units.length === 1 && chosen.units[0]?.members.length === 1) {
      const first = (chosen.units[0] as Unit).members[0] as Unit['members'][number];
      const fits = `The whole model fits on ${describeCandidate(first.candidate)}: ${time(chosen)}`;
      if (best === undefined || best === chosen || describe(best) === describe(chosen)) {
        return [`${fits}; splitting it would only add waiting to every token.`];
      }
      const gain = `${Math.round(this.#gainNeeded(best) * 100)} %`;
      return [`${fits}. The fastest split, ${describe(best)}, would take ${time(best)}: not ${gain} less.`];
    }
    if (alone !== undefined) {
      return [`Split over ${describe(chosen)}: ${time(chosen)} instead of ${time(alone)} on ${describe(alone)} alone.`];
    }
    const needs = formatBytes(this.planning.estimate.totalBytes);
    return [
      `No single device holds the model, which needs ${needs}.`,
      `${describe(chosen)} is the fastest of the plans considered: ${time(chosen)}.`,
    ];
  }

  #considered(chosen: Found, alone: readonly Found[], best: Found | undefined): ConsideredPlan[] {
    const others = [...alone.slice(0, 3), ...(best === undefined ? [] : [best])].filter((found) => found !== chosen);
    const seen = new Set([describe(chosen)]);
    return others.flatMap((found) => {
      const description = describe(found);
      if (seen.has(description)) return [];
      seen.add(description);
      return [{ description, millisecondsPerToken: Number((found.seconds * 1000).toPrecision(4)) }];
    });
  }

  /** What the plan would be with a device that was left out. */
  #unusedReasons(
    search: Search,
    singles: readonly Unit[],
    chosen: Found,
  ): (candidate: Candidate) => string | undefined {
    let explained = 0;
    return (candidate) => {
      const unit = singles.find(({ members }) => members[0]?.candidate === candidate);
      explained += 1;
      if (unit === undefined || explained > mostExplained) return undefined;
      const { units } = chosen;
      const places = Array.from({ length: units.length + 1 }, (_, index) => units.toSpliced(index, 0, unit));
      const replaced = units.map((_, index) => units.toSpliced(index, 1, unit));
      const plans = [...places, ...replaced, [unit]].flatMap((sequence) => search.secondsOf(sequence) ?? []);
      const least = Math.min(...plans);
      if (!Number.isFinite(least)) return 'not needed: no plan with it fits';
      const [withIt, without] = [least, chosen.seconds].map((seconds) => formatMilliseconds(seconds * 1000));
      return least > chosen.seconds * 1.001
        ? `not needed: ${withIt} a token with it, ${without} without`
        : `not needed: no faster with it (${withIt} a token)`;
    };
  }
}

/** `cpu on anna + cpu on bert → cpu on carl`. */
function describe({ units }: Found): string {
  return units.map(({ members }) => members.map(({ candidate }) => nameCandidate(candidate)).join(' + ')).join(' → ');
}

function draftsOf({ units, layers }: Found): StageDraft[] {
  return units.map(
    (unit, index): StageDraft => ({
      layers: layers[index] ?? [0, 0],
      members: unit.members.map(({ candidate }) => candidate),
      shares: unit.shares,
    }),
  );
}
