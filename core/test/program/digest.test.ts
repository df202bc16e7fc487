import { canonicalJson } from '@shoal/core';
import t from 'tap';
import { randomNumbers } from './random.js';

/** The same in a few words, and slowly. */
function bySortedCopies(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

const texts = [
  '',
  'model.layers.3.mlp',
  'a b',
  'q"uote',
  'back\\slash',
  'line\nend',
  'ümlaut',
  '😀',
  '\u2028',
  '10',
  '9',
  '007',
];

function randomJson(random: () => number, depth: number): unknown {
  const pick = <Value>(values: readonly Value[]): Value => values[Math.floor(random() * values.length)] as Value;
  const kind = Math.floor(random() * (depth > 0 ? 8 : 6));
  switch (kind) {
    case 0:
      return pick(texts);
    case 1:
      return random() * 10 ** Math.floor(random() * 40 - 20);
    case 2:
      return Math.floor(random() * 1e6);
    case 3:
      return random() < 0.5;
    case 4:
      return pick([null, undefined, Number.NaN, Number.POSITIVE_INFINITY, -0]);
    case 5:
      return pick(texts);
    case 6:
      return Array.from({ length: Math.floor(random() * 4) }, () => randomJson(random, depth - 1));
    default:
      return Object.fromEntries(
        Array.from({ length: Math.floor(random() * 5) }, () => [pick(texts), randomJson(random, depth - 1)]),
      );
  }
}

t.test('canonical JSON is that of copies with sorted keys', async (t) => {
  const random = randomNumbers(7);
  for (let round = 0; round < 2000; round += 1) {
    const value = { it: randomJson(random, 4) };
    const expected = bySortedCopies(value);
    if (canonicalJson(value) !== expected) t.equal(canonicalJson(value), expected, `round ${round}`);
  }
  t.equal(canonicalJson({ b: 1, a: [undefined, 'x'], c: undefined }), '{"a":[null,"x"],"b":1}');
});
