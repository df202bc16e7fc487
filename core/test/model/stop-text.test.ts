import { StopText } from '@shoal/core/internal/model/stop-text.js';
import t from 'tap';

/** What a caller sees when the text comes in these pieces. */
function run(stops: string[], pieces: string[]): { shown: string[]; stop: string | undefined } {
  const stopText = new StopText(stops);
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, stop } = stopText.push(piece);
    shown.push(text);
    if (stop !== undefined) return { shown, stop };
  }
  shown.push(stopText.flush());
  return { shown, stop: undefined };
}

t.test('a text without stop strings passes as it is', async (t) => {
  t.same(run([], ['a', '', 'b']), { shown: ['a', '', 'b', ''], stop: undefined });
});

t.test('the text ends before a stop string, however it is cut into pieces', async (t) => {
  const text = 'one END two';
  for (let size = 1; size <= text.length; size++) {
    const pieces = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
    const { shown, stop } = run(['END'], pieces);
    t.equal(shown.join(''), 'one ', `pieces of ${size}`);
    t.equal(stop, 'END');
  }
});

t.test('what only looked like a stop string is shown later', async (t) => {
  const { shown, stop } = run(['ENDING'], ['the EN', 'D', ' of it']);
  t.same(shown, ['the ', '', 'END of it', '']);
  t.equal(stop, undefined);
});

t.test('the first of several stop strings counts, and a held back end is flushed', async (t) => {
  t.equal(run(['bb', 'c'], ['abcbb']).shown.join(''), 'ab');
  t.same(run(['xyz'], ['12x', 'y']).shown, ['12', '', 'xy']);
  t.same(run(['', 'q'], ['ab']).shown, ['ab', '']);
});

t.test('characters outside the basic plane are never cut', async (t) => {
  // Both begin with the same half of a surrogate pair.
  t.same(run(['👋!'], ['a👍', 'b']).shown, ['a👍', 'b', '']);
  t.same(run(['👋!'], ['a👋', '!b']), { shown: ['a', ''], stop: '👋!' });
  t.same(run(['👋!'], ['a👋', '?']).shown, ['a', '👋?', '']);
});

t.test('of several at once, the one that begins first counts', async (t) => {
  t.same(run(['c', 'bcd'], ['abcd']), { shown: ['a'], stop: 'bcd' });
});
