/**
 * Has decisions written down as they come, so that they outlive a restart of the whole cluster: one write at a time,
 * always of the latest state. Whoever has something decided waits for the write, but not for a disk that does not take it.
 */
import type { Decisions } from './decisions.js';
import type { Clock } from './environment.js';

/** Where a node keeps decisions between its lives. */
export interface DecisionStore {
  /** Writes all of it or nothing; calls `ended` once, when that outlives this process, or when it failed. */
  write(decisions: Decisions, ended: () => void): void;
}

/** A disk that takes longer than this is not waited for: other nodes hold the decision, too. */
const patienceMilliseconds = 3000;

interface Waiting {
  /** Counts changes; the one that must be written. */
  readonly change: number;
  readonly proceed: () => void;
  readonly abandon: () => void;
  readonly cancelPatience: () => void;
}

export class DecisionKeeper {
  /** Changes that were made, and that are written. */
  private made = 0;
  private written = 0;
  private isWriting = false;
  private latest: Decisions | undefined;
  private readonly waiting = new Set<Waiting>();

  constructor(
    private readonly store: DecisionStore | undefined,
    private readonly clock: Clock,
  ) {}

  changed(decisions: Decisions): void {
    if (!this.store) return;
    this.made++;
    this.latest = decisions;
    this.writeNext();
  }

  /**
   * Proceeds once all that has changed so far is written, or cannot be: at once, where nothing is to be written. Abandons
   * where it is stopped before.
   */
  whenKept(proceed: () => void, abandon: () => void): void {
    if (this.written === this.made) {
      proceed();
      return;
    }
    const waiting: Waiting = {
      change: this.made,
      proceed,
      abandon,
      cancelPatience: this.clock.schedule(patienceMilliseconds, () => {
        if (this.waiting.delete(waiting)) proceed();
      }),
    };
    this.waiting.add(waiting);
  }

  stop(): void {
    const waiting = [...this.waiting];
    this.waiting.clear();
    for (const { cancelPatience, abandon } of waiting) {
      cancelPatience();
      abandon();
    }
  }

  private writeNext(): void {
    if (!this.store || !this.latest || this.isWriting || this.written === this.made) return;
    const change = this.made;
    this.isWriting = true;
    this.store.write(this.latest, () => {
      this.isWriting = false;
      this.written = change;
      for (const waiting of Array.from(this.waiting)) {
        if (waiting.change > change) continue;
        this.waiting.delete(waiting);
        waiting.cancelPatience();
        waiting.proceed();
      }
      this.writeNext();
    });
  }
}
