import { definitionList, wrap } from 'shoal/internal/command/layout.js';
import { editDistance, nearest } from 'shoal/internal/command/nearest.js';
import t from 'tap';

t.test('edit distance counts exchanges of neighbours once', async (t) => {
  for (const [left, right, expected] of [
    ['', '', 0],
    ['run', 'run', 0],
    ['rnu', 'run', 1],
    ['', 'run', 3],
    ['explian', 'explain', 1],
    ['kitten', 'sitting', 3],
    ['storge', 'storage', 1],
    ['ca', 'abc', 3],
  ] as const) {
    t.equal(editDistance(left, right), expected, `${left} → ${right}`);
    t.equal(editDistance(right, left), expected, `${right} → ${left}`);
  }
});

t.test('only what is near is suggested', async (t) => {
  const commands = ['run', 'chat', 'explain', 'doctor', 'node', 'nodes'];
  for (const [word, expected] of [
    ['rum', 'run'],
    ['EXPLIAN', 'explain'],
    ['exp', 'explain'],
    ['doc', 'doctor'],
    ['nod', 'node'],
    ['frobnicate', undefined],
    ['no', undefined],
  ] as const) {
    t.equal(nearest(word, commands), expected, word);
  }
  t.equal(nearest('x', []), undefined);
});

t.test('text is broken at spaces and keeps its own line breaks', async (t) => {
  t.same(wrap('one two three four', 9), ['one two', 'three', 'four']);
  t.same(wrap('one\ntwo three', 20), ['one', 'two three']);
  t.same(wrap('incomprehensibilities it', 10), ['incomprehensibilities', 'it']);
  t.same(wrap('', 10), ['']);
});

t.test('terms stand beside their meaning, long ones above it', async (t) => {
  const rows = [
    ['--a', 'short'],
    ['--a-very-long-option WITH-A-VALUE', 'one two three four five six seven'],
  ] as const;
  t.same(definitionList(rows, 30), [
    '  --a  short',
    '  --a-very-long-option WITH-A-VALUE',
    '       one two three four five',
    '       six seven',
  ]);
});
