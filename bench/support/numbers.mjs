// Medians and ratios of repeated measurements.

export const round = (value, digits = 3) => Number(value.toFixed(digits));

export function median(values) {
  const sorted = [...values].sort((left, right) => left - right);
  const middle = sorted.length >> 1;
  return sorted.length % 2 === 1 ? sorted[middle] : (sorted[middle - 1] + sorted[middle]) / 2;
}

/** The numbers of one thing that is measured in rounds. */
export class Series {
  values = [];

  add(value) {
    this.values.push(value);
  }

  get median() {
    return median(this.values);
  }

  get lowest() {
    return Math.min(...this.values);
  }

  summary(digits = 3) {
    return { median: round(this.median, digits), lowest: round(this.lowest, digits), count: this.values.length };
  }
}

/**
 * How many times as fast `left` is as `right`, both in time units: the median over the rounds of each round's own ratio,
 * because the two were measured next to each other and the machine changes between rounds.
 */
export function speedRatio(left, right) {
  return round(median(left.values.map((value, index) => right.values[index] / value)));
}

/** Calls `measure(name)` for all names, in every other round the other way round, so that neighbours change. */
export async function takeTurns(rounds, names, measure) {
  for (let turn = 0; turn < rounds; turn += 1) {
    for (const name of turn % 2 === 0 ? names : [...names].reverse()) await measure(name, turn);
  }
}
