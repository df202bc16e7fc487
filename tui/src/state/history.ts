/** Bounded histories for sparklines: columns of one length, with the moments of their points. */

/** A point is a number, or null where it was not known. */
export type Column = readonly (number | null)[];

export type History<Name extends string> = { readonly [Key in Name | 'at']: Column };

export const nodeColumns = ['load', 'memoryUsed', 'temperature', 'power', 'battery'] as const;
export type NodeHistory = History<(typeof nodeColumns)[number]>;

export const instanceColumns = [
  'tokensPerSecond',
  'waitingRequests',
  'residentSlots',
  'computeShare',
  'wireShare',
  'waitShare',
] as const;
export type InstanceHistory = History<(typeof instanceColumns)[number]>;

/** Points that one history keeps at most. */
export const longestHistory = 300;
const shortestHistory = 30;
/** Points that all histories of one kind keep together, so that a thousand nodes cost no more than two hundred. */
const allPoints = 60_000;

export function historyLength(count: number): number {
  return Math.max(shortestHistory, Math.min(longestHistory, Math.floor(allPoints / Math.max(1, count))));
}

export function emptyHistory<Name extends string>(names: readonly Name[]): History<Name> {
  const columns = ['at', ...names].map((name): [string, Column] => [name, []]);
  return Object.fromEntries(columns) as unknown as History<Name>;
}

/**
 * The history with one more point, and `length` at most. A point that is not later than the last one takes its place: two
 * answers to one question are one point.
 */
export function withPoint<Name extends string>(
  history: History<Name>,
  at: number,
  point: { readonly [Key in Exclude<Name, 'at'>]: number | null | undefined },
  length: number,
): History<Name> {
  const last = history.at.at(-1) ?? null;
  const isLater = last === null || at > last;
  const from = Math.max(0, history.at.length + (isLater ? 1 : 0) - length);
  const to = isLater ? history.at.length : history.at.length - 1;
  const columns = Object.entries(history).map(([name, column]): [string, Column] => {
    const value = name === 'at' ? Math.max(at, last ?? at) : point[name as Exclude<Name, 'at'>];
    return [name, [...(column as Column).slice(from, to), finiteOrNull(value)]];
  });
  return Object.fromEntries(columns) as unknown as History<Name>;
}

function finiteOrNull(value: number | null | undefined): number | null {
  return typeof value === 'number' && Number.isFinite(value) ? value : null;
}
