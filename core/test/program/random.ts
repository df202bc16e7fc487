/** A generator of numbers in [0, 1) that is the same on every run (mulberry32). */
export function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Shares of up to `most` members, some of them zero. */
export function randomShares(random: () => number, most: number): number[] {
  const shares: number[] = Array.from({ length: 1 + Math.floor(random() * most) }, () =>
    random() < 0.2 ? 0 : 0.1 + random(),
  );
  if (!shares.some((share) => share > 0)) shares[0] = 1;
  return shares;
}
