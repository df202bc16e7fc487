/** What a machine's conditions were over the last minutes, for who begins to look: columns, for they are sent often. */

/** Columns of one length, the oldest first; null where it was not known. JSON. */
export interface ConditionsHistory {
  /** Milliseconds since 1970. */
  readonly at: readonly number[];
  /** Share of all cores that was busy, with whatever: 0 to 1. */
  readonly load: readonly (number | null)[];
  readonly watts: readonly (number | null)[];
  /** Sensors are read only when somebody asks. */
  readonly celsius: readonly (number | null)[];
}

export interface ConditionsPoint {
  readonly at: number;
  readonly load: number | undefined;
  readonly watts: number | undefined;
  readonly celsius?: number | undefined;
}

interface KeptPoint extends ConditionsPoint {
  /** When the first of the looks that it stands for was. */
  readonly since: number;
}

/** Five minutes of looks five seconds apart. */
export const longestConditionsHistory = 60;
/** Looks that follow each other faster are one. */
const shortestDistanceMilliseconds = 3000;

export class ConditionsHistoryKeeper {
  #points: readonly KeptPoint[] = [];

  /** A point that comes soon after the last one takes its place, and keeps what only the last one knew. */
  add(point: ConditionsPoint): void {
    const last = this.#points.at(-1);
    // A clock that was set back begins anew.
    const kept = last !== undefined && point.at < last.at ? [] : this.#points;
    const before = kept.at(-1);
    const isSoon = before !== undefined && point.at - before.since < shortestDistanceMilliseconds;
    const next = isSoon
      ? { ...point, celsius: point.celsius ?? before.celsius, since: before.since }
      : { ...point, since: point.at };
    this.#points = [...(isSoon ? kept.slice(0, -1) : kept), next].slice(-longestConditionsHistory);
  }

  get columns(): ConditionsHistory {
    const of = (name: 'load' | 'watts' | 'celsius') => this.#points.map((point) => point[name] ?? null);
    return { at: this.#points.map(({ at }) => at), load: of('load'), watts: of('watts'), celsius: of('celsius') };
  }
}
