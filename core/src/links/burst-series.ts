/**
 * How large the next burst is, and what the bursts so far say of a path's bandwidth. Pure.
 *
 * TCP begins slowly and doubles what is under way with each round trip, so that a first burst over a long path says how
 * long it is and not how wide. So bursts grow, each twice the one before, over one connection that remembers how far it
 * got: the burst that is two times what the path holds is the first that TCP holds back no more, and a larger one is no
 * faster. Then it is the path that paces. What a burst took is its time without one round trip, or the time between its
 * first and its last byte as the receiver saw them, whichever is longer: an estimate that noise makes smaller, not larger.
 * Growing no further than that also leaves queues on the way unfilled, where they hold a round trip.
 */

export interface Burst {
  readonly bytes: number;
  /** From its first byte written to the word that its last has arrived. */
  readonly elapsedMilliseconds: number;
  /** Between its first and its last byte, at the receiver. */
  readonly arrivingMilliseconds: number;
}

export interface BurstRate {
  readonly bytesPerSecond: number;
  /** Whether the bursts ended before their rate had settled: then the path may carry more. */
  readonly isLowerBound: boolean;
}

export interface SeriesLimits {
  readonly roundTripMilliseconds: number;
  /** Of all bursts together. */
  readonly bytes: number;
}

/** What TCP sends at once at its beginning. */
const firstBytes = 16 * 1024;
/** A burst that is so much faster than the one before has not met the path's limit. */
const growth = 1.15;
/** So many bursts after one must be no faster: one of them may have met a pause of a busy machine. */
const confirmations = 2;
/** Shorter bursts say more about clocks and busy machines than about the path. */
const tellingMilliseconds = 40;
/** Bursts as short as this may grow faster. */
const shortMilliseconds = 4;
/** Smaller ones, if they are all, are of the beginning: what they say would be taken for the path's. */
const leastBytes = 256 * 1024;
/** A burst that took so many round trips is little shorter for having begun slowly. */
const manyRoundTrips = 4;

interface Measured {
  readonly bytes: number;
  readonly took: number;
  /** Bytes a millisecond. */
  readonly rate: number;
}

export class BurstSeries {
  private readonly bursts: Measured[] = [];
  private sent = 0;

  constructor(private readonly limits: SeriesLimits) {}

  /** Bytes of the next burst; undefined: enough is known, or the bytes or the time left do not suffice. */
  next(millisecondsLeft: number): number | undefined {
    const { limits } = this;
    const last = this.bursts.at(-1);
    if (!last) return Math.min(firstBytes, limits.bytes);
    if (this.hasSettled) return undefined;
    const isShort = last.took < shortMilliseconds && limits.roundTripMilliseconds < shortMilliseconds;
    const bytes = last.bytes * (isShort ? 4 : 2);
    const takes = limits.roundTripMilliseconds + bytes / last.rate;
    return this.sent + bytes > limits.bytes || takes > millisecondsLeft ? undefined : bytes;
  }

  add({ bytes, elapsedMilliseconds, arrivingMilliseconds }: Burst): void {
    const withoutRoundTrip = elapsedMilliseconds - this.limits.roundTripMilliseconds;
    const took = Math.max(withoutRoundTrip, arrivingMilliseconds, Number.MIN_VALUE);
    this.sent += bytes;
    this.bursts.push({ bytes, took, rate: bytes / took });
  }

  /** Undefined while too little was sent to say anything. */
  rate(): BurstRate | undefined {
    const last = this.bursts.at(-1);
    if (!last) return undefined;
    // A burst that met a pause of a machine, or overran a queue on the way, took longer than the path asks; those before it
    // did not. Short ones are left out, as noise.
    const telling = this.bursts.slice(-confirmations - 1).filter(({ took }) => took >= tellingMilliseconds / 4);
    const rate = Math.max(last.rate, ...telling.map((burst) => burst.rate));
    const isLong = last.took >= manyRoundTrips * this.limits.roundTripMilliseconds;
    if (last.bytes < leastBytes && !isLong && !this.hasSettled) return undefined;
    return { bytesPerSecond: rate * 1000, isLowerBound: !this.hasSettled && !isLong };
  }

  private get hasSettled(): boolean {
    const before = this.bursts.at(-confirmations - 1);
    const later = this.bursts.slice(-confirmations);
    const tellingTime = Math.max(tellingMilliseconds, this.limits.roundTripMilliseconds);
    return before !== undefined && later.every(({ took, rate }) => took >= tellingTime && rate < before.rate * growth);
  }
}
