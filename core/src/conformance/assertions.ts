import assert from 'node:assert/strict';

/** Absolute and relative difference allowed between two right backends at F32. */
const tolerance = 1e-5;

/** Rows of numbers that are equal within rounding. */
export function assertClose(actual: readonly (readonly number[])[], expected: readonly (readonly number[])[]): void {
  const near = (a: number | undefined, b: number): boolean =>
    a === b || (a !== undefined && Math.abs(a - b) <= tolerance * Math.max(1, Math.abs(b)));
  const equal =
    actual.length === expected.length &&
    expected.every((row, i) => actual[i]?.length === row.length && row.every((x, j) => near(actual[i]?.[j], x)));
  assert.ok(equal, `computed ${JSON.stringify(actual)}, expected ${JSON.stringify(expected)}`);
}
