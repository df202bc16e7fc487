/**
 * Who leads. Every node that hears of a new campaign takes part with its own candidacy; the best one wins: by clock,
 * then seniority, then command count, then node id. As the clock comes first, the leader is simply the best candidacy
 * that anybody has heard of: nodes that hear the same agree, in whatever order they hear it, and two halves of a split
 * network agree as soon as they meet. The campaign's three seconds only keep nodes from following the first voice.
 */
import type { Clock } from './environment.js';
import type { Candidacy } from './messages.js';

export const campaignMilliseconds = 3000;

/** Positive when `left` beats `right`. */
export function compareCandidacies(left: Candidacy, right: Candidacy): number {
  return (
    left.clock - right.clock ||
    left.seniority - right.seniority ||
    left.commandCount - right.commandCount ||
    (left.nodeId === right.nodeId ? 0 : left.nodeId < right.nodeId ? -1 : 1)
  );
}

export interface ElectionOptions {
  readonly nodeId: string;
  /** Unlike that of any other life of this node. */
  readonly life: string;
  readonly stands: boolean;
  readonly clock: Clock;
  readonly compare: (left: Candidacy, right: Candidacy) => number;
  readonly commandCount: () => number;
  /** As far as this node can tell. */
  readonly isPresent: (nodeId: string) => boolean;
  /** To every node. */
  readonly publish: (candidacy: Candidacy) => void;
  readonly elected: (candidacy: Candidacy) => void;
}

export class Election {
  private earned: number;
  private own: Candidacy;
  /** The candidacies at the current clock, by node. */
  private heard = new Map<string, Candidacy>();
  private chosen: Candidacy;
  private endCampaign: (() => void) | undefined;

  constructor(private readonly options: ElectionOptions) {
    this.earned = options.stands ? 0 : -1;
    // Alone, a node leads itself, at once.
    this.own = this.candidacyAt(0);
    this.heard.set(options.nodeId, this.own);
    this.chosen = this.own;
  }

  get clock(): number {
    return this.own.clock;
  }

  /** The outcome of the last campaign that ended. */
  get leader(): Candidacy {
    return this.chosen;
  }

  /** How large a cluster this node has led; −1: it does not stand. */
  get seniority(): number {
    return this.earned;
  }

  get isCampaigning(): boolean {
    return this.endCampaign !== undefined;
  }

  /** The best candidacy so far, be it elected or not. */
  get best(): Candidacy {
    return [...this.heard.values()].reduce((best, one) => (this.options.compare(one, best) > 0 ? one : best));
  }

  /** Calls a campaign at a clock that is higher than the one before. */
  campaign(clock = this.clock + 1): void {
    this.own = this.candidacyAt(clock);
    this.heard = new Map([[this.options.nodeId, this.own]]);
    this.endCampaign?.();
    this.endCampaign = this.options.clock.schedule(campaignMilliseconds, () => this.conclude());
    this.options.publish(this.own);
  }

  /** True when it is better than what was known, so that others should hear it, too. */
  receive(candidacy: Candidacy): boolean {
    const { nodeId, life, compare } = this.options;
    if (candidacy.nodeId === nodeId && candidacy.life !== life) {
      // An earlier life of this node is still talked of, and must not be elected.
      if (candidacy.clock >= this.clock) this.campaign(candidacy.clock + 1);
      return false;
    }
    if (candidacy.clock < this.clock) return false;
    if (candidacy.clock > this.clock) this.campaign(candidacy.clock);
    const known = this.heard.get(candidacy.nodeId);
    if (known && compare(candidacy, known) <= 0) return false;
    const isBetter = compare(candidacy, this.best) > 0;
    this.heard.set(candidacy.nodeId, candidacy);
    // Too late for the campaign that ended. A new one lets the leader stand with what it has earned by then.
    if (!this.isCampaigning && compare(candidacy, this.chosen) > 0) this.campaign();
    return isBetter;
  }

  stop(): void {
    this.endCampaign?.();
    this.endCampaign = undefined;
  }

  private candidacyAt(clock: number): Candidacy {
    const { nodeId, life, commandCount } = this.options;
    return { clock, seniority: this.earned, commandCount: commandCount(), nodeId, life };
  }

  private conclude(): void {
    this.endCampaign = undefined;
    // Whoever missed it hears it now.
    this.options.publish(this.own);
    const { best } = this;
    if (best.nodeId !== this.options.nodeId && !this.options.isPresent(best.nodeId)) {
      // It was lost while it stood.
      this.campaign();
      return;
    }
    this.chosen = best;
    if (best.nodeId === this.options.nodeId && this.options.stands) {
      this.earned = Math.max(this.earned, this.heard.size);
    }
    this.options.elected(best);
  }
}
