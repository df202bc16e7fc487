/** How the units of an axis are dealt out to members: proportional to shares, on legal borders, covering everything. */
import { ShoalError } from '../spec/errors.js';
import type { Range } from '../spec/range.js';
import type { ShardingConstraints } from '../spec/sharding.js';

/** Greatest common divisor of two positive integers. */
export const greatestCommonDivisor = (a: number, b: number): number => (b === 0 ? a : greatestCommonDivisor(b, a % b));

/** Least common multiple of positive integers. */
export const leastCommonMultiple = (...numbers: readonly number[]): number =>
  numbers.reduce((result, n) => (result * n) / greatestCommonDivisor(result, n), 1);

function checkShares(shares: readonly number[], axis: string): void {
  const legal =
    shares.length > 0 &&
    shares.every((share) => Number.isFinite(share) && share >= 0) &&
    shares.some((share) => share > 0);
  if (legal) return;
  throw new ShoalError(
    'PROGRAM_CUT_INVALID',
    `shares of axis '${axis}' must be numbers ≥ 0, not all 0: [${shares.join(', ')}]`,
    {
      details: { axis, shares },
    },
  );
}

/**
 * `count` equal things dealt out in proportion to the shares by the largest-remainder method; ties go to who has less,
 * then to the earlier member. Share 0 gets nothing; a small share may get nothing where there is too little.
 */
export function apportion(count: number, shares: readonly number[]): number[] {
  let total = 0;
  for (const share of shares) total += share;
  const counts: number[] = [];
  /** Of whom takes none more: below every other. */
  const remainders: number[] = [];
  let left = count;
  for (const share of shares) {
    const exact = (share / total) * count;
    const whole = Math.floor(exact);
    counts.push(whole);
    remainders.push(share > 0 ? exact - whole : -1);
    left -= whole;
  }
  const wholes = [...counts];
  for (; left > 0; left -= 1) {
    let next = -1;
    for (let member = 0; member < counts.length; member += 1) {
      const [remainder, most] = [remainders[member] as number, remainders[next] ?? -1];
      const isNext =
        remainder === most && next >= 0 ? (wholes[member] as number) < (wholes[next] as number) : remainder > most;
      if (isNext) next = member;
    }
    if (next < 0) break;
    counts[next] = (counts[next] as number) + 1;
    remainders[next] = -1;
  }
  return counts;
}

function rangesOf(counts: readonly number[], unit: number, size: number): Range[] {
  let start = 0;
  return counts.map((count): Range => {
    const from = Math.min(start * unit, size);
    start += count;
    return [from, Math.min(start * unit, size)];
  });
}

/**
 * One range of units per member, in order, together exactly [0, size). Borders fall on multiples of `granularity`;
 * where the size is not a multiple, the last piece is short.
 */
export function cutAxis(size: number, shares: readonly number[], granularity = 1, name = 'axis'): Range[] {
  checkShares(shares, name);
  return rangesOf(apportion(Math.ceil(size / granularity), shares), granularity, size);
}

/**
 * Ranges that lie inside the groups of an axis, for more members than groups: each group is dealt out among a run of
 * neighbouring members, and runs are as equal in shares as their order allows.
 */
function cutInsideGroups(size: number, groupSize: number, shares: readonly number[], name: string): Range[] {
  const groups = size / groupSize;
  const shareOf = (member: number): number => shares[member] as number;
  // More members than units: those with the largest shares take part.
  const active = shares
    .flatMap((share, member) => (share > 0 ? [member] : []))
    .sort((a, b) => shareOf(b) - shareOf(a) || a - b)
    .slice(0, size)
    .sort((a, b) => a - b);
  const ranges: (Range | undefined)[] = shares.map(() => undefined);
  let waiting = active;
  for (let group = 0; group < groups; group += 1) {
    const groupsAfter = groups - group - 1;
    const most = Math.min(groupSize, waiting.length - groupsAfter);
    const fairSum = waiting.reduce((sum, member) => sum + shareOf(member), 0) / (groupsAfter + 1);
    let count = Math.max(1, waiting.length - groupsAfter * groupSize);
    let sum = waiting.slice(0, count).reduce((total, member) => total + shareOf(member), 0);
    while (count < most) {
      const next = shareOf(waiting[count] as number);
      if (Math.abs(sum + next - fairSum) >= Math.abs(sum - fairSum)) break;
      sum += next;
      count += 1;
    }
    const run = waiting.slice(0, count);
    waiting = waiting.slice(count);
    for (const [index, [from, to]] of cutAxis(groupSize, run.map(shareOf), 1, name).entries()) {
      ranges[run[index] as number] = [group * groupSize + from, group * groupSize + to];
    }
  }
  let end = 0;
  return ranges.map((range): Range => {
    end = range?.[1] ?? end;
    return range ?? [end, end];
  });
}

/**
 * Cuts of every axis of a strategy, one range per member, in proportion to the shares. `alignment` is the least common
 * multiple of the storage block and of the backends' row tiles: elements of a piece are a multiple of it.
 */
export function cutsFor(
  constraints: ShardingConstraints,
  shares: readonly number[],
  alignment = 1,
): Record<string, readonly Range[]> {
  const cuts: Record<string, readonly Range[]> = {};
  for (const axis of constraints.axes) {
    checkShares(shares, axis.name);
    const unitsPerBlock = alignment / greatestCommonDivisor(alignment, axis.elementsPerUnit);
    const groupSize = axis.groupSize ?? 1;
    const granularity = leastCommonMultiple(axis.granularity, groupSize * unitsPerBlock);
    const members = shares.filter((share) => share > 0).length;
    // Parts of a group are legal only where they need no alignment of their own.
    const splitsGroups = groupSize > 1 && granularity === groupSize && members > axis.size / groupSize;
    cuts[axis.name] = splitsGroups
      ? cutInsideGroups(axis.size, groupSize, shares, axis.name)
      : cutAxis(axis.size, shares, granularity, axis.name);
  }
  return cuts;
}
