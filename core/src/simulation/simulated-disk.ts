/** What a simulated node keeps between its lives: slow, and cut off in the middle of a write when the process ends. */
import type { Decisions } from '../consensus/decisions.js';
import type { Clock } from '../consensus/environment.js';
import type { SeededRandom } from './seeded-random.js';

/** One write, and the one before it; a node waits for longer. */
export const longestWriteMilliseconds = 2200;

/** What a disk gets wrong. */
export interface DiskMistake {
  /** What a node finds instead of what is there. */
  readonly read?: (decisions: Decisions) => Decisions | undefined;
  /** It says that it has written before it has. */
  readonly isHasty?: boolean;
}

export class SimulatedDisk {
  /** What the last write that ended left there; undefined: nothing, or nothing that can be read. */
  private content: Decisions | undefined;
  private pending: (() => void) | undefined;

  constructor(
    private readonly clock: Pick<Clock, 'schedule'>,
    private readonly random: SeededRandom,
    private readonly written: (decisions: Decisions) => void,
    private readonly mistake: DiskMistake = {},
  ) {}

  get decisions(): Decisions | undefined {
    const { read } = this.mistake;
    return this.content && read ? read(this.content) : this.content;
  }

  write(decisions: Decisions, ended: () => void): void {
    const delay = this.random.chance(0.05) ? this.random.between(0, 1000) : this.random.between(0, 30);
    this.pending = this.clock.schedule(delay, () => {
      this.pending = undefined;
      this.content = decisions;
      this.written(decisions);
      if (!this.mistake.isHasty) ended();
    });
    if (this.mistake.isHasty) ended();
  }

  /** The process ends: a write that has not ended leaves what was there before. */
  stop(): void {
    this.pending?.();
    this.pending = undefined;
  }

  damage(): void {
    this.content = undefined;
  }
}
