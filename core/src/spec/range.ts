/** A half-open range `[from, to)` of non-negative integers. An empty range (`from === to`) is legal. */
export type Range = readonly [from: number, to: number];
