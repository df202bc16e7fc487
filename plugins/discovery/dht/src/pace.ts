/** How long to wait between look-ups: little while there is news, ever longer when there is none. */
export interface PaceOptions {
  readonly fastestMilliseconds: number;
  readonly idleMilliseconds: number;
  /** From 0 to 1. */
  readonly random?: () => number;
}

/** Nodes that started together must not ask together for ever. */
const spread = 0.2;

export class Pace {
  readonly #options: PaceOptions;
  #interval: number;

  constructor(options: PaceOptions) {
    this.#options = options;
    this.#interval = options.fastestMilliseconds;
  }

  /** Something has changed: ask soon. */
  quicken(): void {
    this.#interval = this.#options.fastestMilliseconds;
  }

  /** Time until the next look-up, at least `leastMilliseconds`; each is twice the one before. */
  next(leastMilliseconds = 0): number {
    const { idleMilliseconds, random = Math.random } = this.#options;
    const interval = Math.min(Math.max(this.#interval, leastMilliseconds), idleMilliseconds);
    this.#interval = Math.min(interval * 2, idleMilliseconds);
    return interval * (1 - spread + 2 * spread * random());
  }
}
