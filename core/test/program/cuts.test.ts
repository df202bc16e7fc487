import { apportion, type CutAxis, cutAxis, cutsFor, leastCommonMultiple, type Range } from '@shoal/core';
import t from 'tap';
import { randomNumbers, randomShares } from './random.js';

t.test('units are dealt out by largest remainder', async (test) => {
  const cases: readonly (readonly [number, readonly number[], readonly number[]])[] = [
    [8, [1, 1], [4, 4]],
    [8, [3, 1, 2], [4, 1, 3]],
    [7, [1, 1], [4, 3]],
    [2, [1, 1, 1], [1, 1, 0]],
    [4, [3, 1, 2, 2], [1, 1, 1, 1]],
    [5, [1, 0, 1], [3, 0, 2]],
    [0, [1, 2], [0, 0]],
    [10, [0, 7], [0, 10]],
  ];
  for (const [count, shares, expected] of cases) test.same(apportion(count, shares), expected, `${count} by ${shares}`);
});

t.test('borders fall on the granularity, the last piece may be short', async (test) => {
  test.same(cutAxis(100, [1, 1], 32), [
    [0, 64],
    [64, 100],
  ]);
  test.same(cutAxis(96, [2, 1], 32), [
    [0, 64],
    [64, 96],
  ]);
  test.same(cutAxis(6, [1, 1, 1], 2), [
    [0, 2],
    [2, 4],
    [4, 6],
  ]);
  test.same(cutAxis(30, [1, 1], 32), [
    [0, 30],
    [30, 30],
  ]);
});

t.test('shares that mean nothing are refused', async (test) => {
  for (const shares of [[], [0, 0], [-1, 2], [Number.NaN, 1], [Number.POSITIVE_INFINITY]]) {
    test.throws(() => cutAxis(8, shares, 1, 'heads'), { code: 'PROGRAM_CUT_INVALID', message: /'heads'/ });
  }
});

const constraints = (axis: CutAxis) => ({ layerCount: 1, axes: [axis], maximumMembers: 8, maximumMembersReason: '' });
const heads: CutAxis = { name: 'heads', size: 8, elementsPerUnit: 16, granularity: 1, groupSize: 4 };

t.test('heads that share a key-value head stay together while there are groups enough', async (test) => {
  test.same(cutsFor(constraints(heads), [1, 1]).heads, [
    [0, 4],
    [4, 8],
  ]);
  test.same(cutsFor(constraints(heads), [1, 0, 3]).heads, [
    [0, 4],
    [4, 4],
    [4, 8],
  ]);
  test.same(cutsFor(constraints({ ...heads, size: 12 }), [2, 1]).heads, [
    [0, 8],
    [8, 12],
  ]);
});

t.test('more members than groups divide groups among neighbours', async (test) => {
  test.same(cutsFor(constraints(heads), [1, 1, 1]).heads, [
    [0, 4],
    [4, 6],
    [6, 8],
  ]);
  test.same(cutsFor(constraints(heads), [3, 1, 0, 4]).heads, [
    [0, 3],
    [3, 4],
    [4, 4],
    [4, 8],
  ]);
  test.same(cutsFor(constraints({ ...heads, size: 4 }), [3, 1, 2]).heads, [
    [0, 2],
    [2, 3],
    [3, 4],
  ]);
});

t.test('alignment of elements becomes granularity of units', async (test) => {
  test.same(cutsFor(constraints({ name: 'f', size: 96, elementsPerUnit: 1, granularity: 1 }), [1, 1], 32).f, [
    [0, 64],
    [64, 96],
  ]);
  test.same(cutsFor(constraints({ name: 'h', size: 6, elementsPerUnit: 16, granularity: 1 }), [1, 1], 32).h, [
    [0, 4],
    [4, 6],
  ]);
  test.same(
    cutsFor(constraints(heads), [1, 1, 1], 32).heads,
    [
      [0, 8],
      [8, 8],
      [8, 8],
    ],
    'two groups are one block of 32',
  );
});

t.test('property: ranges are in order, cover the axis, lie on borders, and follow the shares', async (test) => {
  const random = randomNumbers(7);
  const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  for (let round = 0; round < 2000; round += 1) {
    const granularity = integer(1, 8);
    const size = integer(1, 200);
    const shares = randomShares(random, 6);
    const ranges = cutAxis(size, shares, granularity);
    const total = shares.reduce((sum, share) => sum + share, 0);
    let end = 0;
    const legal = ranges.every(([from, to], member) => {
      const share = shares[member] as number;
      const inOrder = from === end && to >= from;
      const onBorder = to === size || to % granularity === 0;
      const fair =
        Math.abs(to - from - (share / total) * Math.ceil(size / granularity) * granularity) < 2 * granularity;
      end = to;
      return inOrder && onBorder && fair && (share > 0 || from === to);
    });
    if (!legal || end !== size) test.fail(`${size} by ${granularity} for [${shares}] became ${JSON.stringify(ranges)}`);
  }
  test.pass('2000 random cuts');
});

t.test('property: grouped ranges are whole groups or lie inside one', async (test) => {
  const random = randomNumbers(11);
  const integer = (from: number, to: number): number => from + Math.floor(random() * (to - from + 1));
  for (let round = 0; round < 2000; round += 1) {
    const groupSize = integer(1, 6);
    const axis: CutAxis = {
      name: 'h',
      size: groupSize * integer(1, 6),
      elementsPerUnit: 32,
      granularity: 1,
      groupSize,
    };
    const shares = randomShares(random, 8);
    const ranges = cutsFor(constraints(axis), shares, leastCommonMultiple(16, 32)).h as readonly Range[];
    let end = 0;
    const legal = ranges.every(([from, to], member) => {
      const inOrder = from === end;
      end = to;
      const whole = from % groupSize === 0 && to % groupSize === 0;
      const inside = Math.floor(from / groupSize) === Math.floor((to - 1) / groupSize);
      return inOrder && (from === to || whole || inside) && ((shares[member] as number) > 0 || from === to);
    });
    if (!legal || end !== axis.size)
      test.fail(`${axis.size} in groups of ${groupSize} for [${shares}] became ${JSON.stringify(ranges)}`);
  }
  test.pass('2000 random cuts');
});
