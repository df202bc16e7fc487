import { SeededRandom } from '@shoal/core/internal/simulation/seeded-random.js';
import {
  count,
  figure,
  knownBoolean,
  knownText,
  list,
  number,
  oneOf,
  paragraphs,
  plainFigure,
  records,
  text,
} from '@shoal/tui/internal/state/sanitize.js';
import t from 'tap';
import { problemsOf } from '../support/checks.js';
import { garbage } from '../support/garbage.js';

t.test('text is one clean line', async (t) => {
  const cases: readonly (readonly [unknown, string])[] = [
    ['anna', 'anna'],
    ['', ''],
    [undefined, ''],
    [7, ''],
    [['anna'], ''],
    ['  two   words ', 'two words'],
    ['a\nb\r\n\tc', 'a b c'],
    ['\u001b[31mred\u001b[0m', '[31mred [0m'],
    ['bell\u0007', 'bell'],
    ['c1 \u009b31m', 'c1 31m'],
    ['\u202Egnp.exe', 'gnp.exe'],
    ['a\u2028b', 'a b'],
    ['\ud800x', '\ufffdx'],
    ['ünïcödé 漢字', 'ünïcödé 漢字'],
    ['👩‍👩‍👧 family', '👩‍👩‍👧 family'],
    ['~'.repeat(200), '~'.repeat(200)],
    ['~'.repeat(201), `${'~'.repeat(199)}…`],
  ];
  for (const [index, [value, expected]] of cases.entries()) t.equal(text(value), expected, `case ${index}`);
});

t.test('a cut leaves whole characters', async (t) => {
  t.equal(text('👩‍👩‍👧👩‍👩‍👧👩‍👩‍👧', 2), '👩‍👩‍👧…');
  t.equal(text('漢字漢字', 3), '漢字…');
  t.ok(text('👩‍👩‍👧‍👦'.repeat(10_000), 50).length < 1000);
});

t.test('of megabytes the beginning counts', async (t) => {
  const huge = `${'\u0000'.repeat(50_000_000)}end`;
  t.equal(text(huge), '…');
});

t.test('paragraphs keep their lines and nothing else', async (t) => {
  t.equal(paragraphs('a\r\nb\rc\u2028d', 100), 'a\nb\nc\nd');
  t.equal(paragraphs('\tif\u001b[1m x', 100), '    if[1m x');
  t.equal(paragraphs('abcdef', 3), 'abc');
  t.equal(paragraphs(3, 10), '');
});

t.test('numbers are finite and within bounds', async (t) => {
  t.equal(number(3), 3);
  t.equal(number(-3, { minimum: 0 }), undefined);
  t.equal(number(101, { minimum: 0, maximum: 100 }), undefined);
  for (const value of [Number.NaN, Number.POSITIVE_INFINITY, '3', null, undefined, {}, 3n]) {
    t.equal(number(value), undefined, String(value));
  }
  t.equal(count(3), 3);
  for (const value of [-1, 1.5, 2 ** 53, Number.NaN, '1']) t.equal(count(value), undefined, String(value));
});

t.test('what is not known keeps its reason', async (t) => {
  const cases: readonly (readonly [unknown, unknown])[] = [
    [
      { value: 3, source: 'measured' },
      { value: 3, source: 'measured' },
    ],
    [
      { value: 3, source: 'magic' },
      { value: 3, source: 'table' },
    ],
    [{ value: -3, source: 'measured' }, { unknown: 'what is told is not a possible number' }],
    [{ value: Number.NaN, source: 'measured' }, { unknown: 'what is told is not a possible number' }],
    [{ value: '3', source: 'measured' }, { unknown: 'what is told is not a possible number' }],
    [{ unknown: 'no\u0007 sensor' }, { unknown: 'no sensor' }],
    [{ unknown: 5 }, { unknown: 'no reason is given' }],
    [{ unknown: 'a reason', value: 3, source: 'measured' }, { unknown: 'a reason' }],
    [3, { unknown: 'it is not told' }],
    [undefined, { unknown: 'it is not told' }],
  ];
  for (const [value, expected] of cases) t.same(figure(value), expected, JSON.stringify(value));
  t.same(plainFigure(undefined, 'table', 'nobody says'), { unknown: 'nobody says' });
  t.same(knownBoolean({ value: 'yes' }), { unknown: 'it is not told' });
  t.same(knownBoolean({ value: false }), { value: false });
  t.same(knownText({ value: '' }), { unknown: 'it is not told' });
});

t.test('lists are bounded, and what does not belong is left out', async (t) => {
  t.same(list('abc', 2), []);
  t.same(list([1, 2, 3], 2), [1, 2]);
  t.same(records([1, { a: 1 }, null, [2], { b: 2 }], 10), [{ a: 1 }, { b: 2 }]);
  t.equal(oneOf('c', ['a', 'b'], 'a'), 'a');
});

t.test('nothing that comes out can harm a terminal', async (t) => {
  const random = new SeededRandom(1);
  for (let round = 0; round < 2000; round += 1) {
    const value = garbage(random);
    t.same(problemsOf([text(value), figure(value), knownText(value), knownBoolean(value), count(value) ?? null]), []);
  }
});
