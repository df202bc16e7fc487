import type { ViewContext } from '@shoal/tui/internal/views/blocks.js';
import { widthClass } from '@shoal/tui/internal/views/blocks.js';
import { matcher, selectedId, table } from '@shoal/tui/internal/views/tables.js';
import {
  age,
  bytes,
  clock,
  counted,
  digits,
  figureCell,
  figureFact,
  layers,
  microseconds,
  milliseconds,
  percent,
  tokenRate,
} from '@shoal/tui/internal/views/words.js';
import t from 'tap';

const known = (value: number, source: 'measured' | 'table' = 'measured') => ({ value, source });

t.test('numbers have three digits and a unit', async (t) => {
  const cases: readonly (readonly [string, string])[] = [
    [milliseconds(known(0)), '0 ms'],
    [milliseconds(known(0.0123)), '12.3 µs'],
    [milliseconds(known(1)), '1.00 ms'],
    [milliseconds(known(123.4)), '123 ms'],
    [milliseconds(known(59_940)), '59.9 s'],
    [milliseconds(known(61_000)), '1 min 1 s'],
    [microseconds(known(210)), '210 µs'],
    [bytes(known(1.5 * 2 ** 30)), '1.50 GiB'],
    [percent(known(0.256)), '26 %'],
    [tokenRate(known(4.567)), '4.57 tok/s'],
    [tokenRate(known(0)), '0 tok/s'],
    [bytes({ unknown: 'why' }), '–'],
    [digits(1234.5), '1235'],
    [digits(0.00123), '0.0012'],
    [age(59_999), '59 s'],
    [age(3_600_000), '1 h'],
    [age(90_000_000), '1 d 1 h'],
    [age(-5), '0 s'],
    [layers([0, 4]), '0–3'],
    [layers([3, 4]), '3'],
    [layers([4, 4]), 'none'],
    [counted(1, 'node'), '1 node'],
    [counted(0, 'node'), '0 nodes'],
    [clock(0, 0), '00:00:00'],
    [clock(0, 90), '01:30:00'],
  ];
  for (const [found, expected] of cases) t.equal(found, expected);
});

t.test('what was assumed is marked, and what is not known says why where there is room', async (t) => {
  t.same(figureCell(known(3, 'table'), bytes), { text: '~3 B', tone: 'plain' });
  t.same(figureCell({ unknown: 'no sensor' }, bytes), { text: '–', tone: 'dim' });
  t.same(figureFact('heat', { unknown: 'no sensor' }, bytes), {
    label: 'heat',
    text: 'not known: no sensor',
    tone: 'dim',
  });
});

t.test('a filter is words that all must occur', async (t) => {
  const matches = (filter: string, text: string) => matcher(filter)?.(text) ?? true;
  t.ok(matches('', 'anything'));
  t.ok(matches('  ! ', 'anything'), 'half a word is none');
  t.ok(matches('ANNA', 'node anna'));
  t.ok(matches('an node', 'node anna'));
  t.notOk(matches('anna ben', 'node anna'));
  t.ok(matches('!ben node', 'node anna'));
  t.notOk(matches('!ben', 'node ben'));
});

const columns = [
  { key: 'a', title: 'a' },
  { key: 'b', title: 'b', from: 'medium' },
  { key: 'c', title: 'c', from: 'wide' },
] as const;
const rows = ['x', 'y', 'z'].map((id) => ({
  id,
  cells: ['1', '2', '3'].map((text) => ({ text: `${id}${text}`, tone: 'plain' as const })),
}));
const tableOf = (context: Partial<ViewContext>, more = {}) =>
  table({
    title: 't',
    columns,
    rows,
    empty: 'none',
    context: { width: 'wide', now: 0, ...context },
    isMain: true,
    ...more,
  });

t.test('a table has the columns that there is room for', async (t) => {
  const shown = (width: ViewContext['width']) => tableOf({ width }).rows[0]?.cells.map(({ text }) => text);
  t.same(shown('narrow'), ['x1']);
  t.same(shown('medium'), ['x1', 'x2']);
  t.same(shown('wide'), ['x1', 'x2', 'x3']);
  t.same(tableOf({ width: 'wide' }).rows[0]?.beyond, []);
  const beyond = tableOf({ width: 'narrow' }).rows[0]?.beyond;
  t.same(
    beyond?.map(({ label, text }) => `${label} ${text}`),
    ['b x2', 'c x3'],
    'and what there is no room for is told with the details of a row',
  );
  t.same([60, 89, 90, 159, 160].map(widthClass), ['narrow', 'narrow', 'medium', 'medium', 'wide']);
});

t.test('one row is selected while there are rows', async (t) => {
  t.equal(selectedId(tableOf({})), 'x');
  t.equal(selectedId(tableOf({ selected: 'y' })), 'y');
  t.equal(selectedId(tableOf({ selected: 'gone' })), 'x');
  t.equal(selectedId(tableOf({ filter: 'nothing' })), undefined);
  t.equal(selectedId(tableOf({ selected: 'y' }, { isMain: false })), undefined);
});

t.test('what is left out is counted', async (t) => {
  t.match(tableOf({ filter: 'z' }), { rows: [{ id: 'z', isSelected: true }], hiddenRows: 2 });
  t.match(tableOf({ filter: 'nothing' }), { rows: [], hiddenRows: 3, empty: 'nothing matches the filter' });
  t.match(tableOf({}, { most: 2 }), { rows: [{ id: 'x' }, { id: 'y' }], hiddenRows: 1 });
  t.match(tableOf({}, { most: 2, keepsLast: true, otherRows: 5 }), { rows: [{ id: 'y' }, { id: 'z' }], hiddenRows: 6 });
  t.match(tableOf({}, { rows: [] }), { rows: [], hiddenRows: 0, empty: 'none' });
});
