/** What no node should send. */
import type { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';

const strange: readonly unknown[] = [
  undefined,
  null,
  Number.NaN,
  Number.POSITIVE_INFINITY,
  -1,
  -0.5,
  1e308,
  2 ** 53,
  '',
  'NaN',
  '\u001b[2J\u001b[31mred\u0007',
  '\u202Eevil\u2066',
  'line\nbreak\r\n\ttab\u2028separator',
  '\ud800 half',
  '👩‍👩‍👧‍👦'.repeat(100),
  'x'.repeat(100_000),
  '\u0000'.repeat(5000),
  [],
  {},
  [[[[]]]],
  { value: Number.NaN, source: 'measured' },
  { value: '12', source: 'measured' },
  { value: 5, source: '\u001b[0m' },
  { unknown: '\u001b[5m' },
  { unknown: 7 },
  true,
  Symbol.iterator,
  () => 'called',
  10n,
  new Date(Number.NaN),
  '__proto__',
];

export function garbage(random: SeededRandom): unknown {
  return random.pick(strange);
}

/** The value with one of its parts, at any depth, replaced by garbage. */
export function spoiled(value: unknown, random: SeededRandom): unknown {
  if (typeof value !== 'object' || value === null || random.chance(0.1)) return garbage(random);
  if (Array.isArray(value)) {
    if (value.length === 0) return [garbage(random)];
    const place = random.integer(0, value.length - 1);
    return value.map((one: unknown, index) => (index === place ? spoiled(one, random) : one));
  }
  const names = Object.keys(value);
  if (names.length === 0) return { surprise: garbage(random) };
  const name = random.pick(names);
  return { ...value, [name]: spoiled((value as Record<string, unknown>)[name], random) };
}
