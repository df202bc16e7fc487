// How wide text is, and what fits of it.
import { clip, glyphsOf, textWidth, wrapText } from '@shoal/tui/internal/widgets/width.js';
import t from 'tap';

t.test('columns of text', async (t) => {
  for (const [text, columns] of [
    ['', 0],
    ['plain', 5],
    ['é', 1],
    ['e\u0301', 1],
    ['日本', 4],
    ['한글', 4],
    ['🐟', 2],
    ['👍🏽', 2],
    ['👩‍👩‍👧‍👦', 2],
    ['🇩🇪', 2],
    ['a\u200bb', 2],
    ['\u001b[31mred', 7],
  ] as const) {
    t.equal(textWidth(text), columns, JSON.stringify(text));
  }
  const letters = glyphsOf('a\u001b\u0007b').map(({ text }) => text);
  t.same(letters, ['a', 'b'], 'nothing steers a terminal');
});

t.test('clipped text is never wider than its room', async (t) => {
  t.equal(clip('shoal', 5), 'shoal');
  t.equal(clip('shoals', 5), 'shoa…');
  t.equal(clip('日本語', 5), '日本…');
  t.equal(clip('日本語', 4), '日…');
  t.equal(clip('abc', 0), '');
  for (const text of ['plain words', '日本語 text', '👩‍👩‍👧‍👦👩‍👩‍👧‍👦', 'e\u0301e\u0301e\u0301']) {
    for (let columns = 0; columns < 14; columns += 1)
      t.ok(textWidth(clip(text, columns)) <= columns, `${text} in ${columns}`);
  }
});

t.test('wrapped text loses no word and keeps its breaks', async (t) => {
  t.same(wrapText('one two three', 7), ['one two', 'three']);
  t.same(wrapText('one\n\ntwo', 7), ['one', '', 'two']);
  t.same(wrapText('abcdefgh', 3), ['abc', 'def', 'gh']);
  t.same(wrapText('日本語', 4), ['日本', '語']);
  const text = 'The quick 狐 jumps over the lazy 犬, twice.';
  for (let columns = 2; columns < 50; columns += 1) {
    const lines = wrapText(text, columns);
    t.ok(lines.every((line) => textWidth(line) <= columns));
    t.equal(lines.join('').replaceAll(' ', ''), text.replaceAll(' ', ''));
  }
});
