import { StopText } from 'shoal/internal/stop-text.js';
import t from 'tap';

/** What a caller sees when the text comes in these pieces. */
function run(stops: string[], pieces: string[]): { shown: string[]; stopped: boolean } {
  const stopText = new StopText(stops);
  const shown: string[] = [];
  for (const piece of pieces) {
    const { text, stopped } = stopText.push(piece);
    shown.push(text);
    if (stopped) return { shown, stopped };
  }
  shown.push(stopText.flush());
  return { shown, stopped: false };
}

t.test('a text without stop strings passes as it is', async (t) => {
  t.same(run([], ['a', '', 'b']), { shown: ['a', '', 'b', ''], stopped: false });
});

t.test('the text ends before a stop string, however it is cut into pieces', async (t) => {
  const text = 'one END two';
  for (let size = 1; size <= text.length; size++) {
    const pieces = text.match(new RegExp(`.{1,${size}}`, 'g')) ?? [];
    const { shown, stopped } = run(['END'], pieces);
    t.equal(shown.join(''), 'one ', `pieces of ${size}`);
    t.ok(stopped);
  }
});

t.test('what only looked like a stop string is shown later', async (t) => {
  const { shown, stopped } = run(['ENDING'], ['the EN', 'D', ' of it']);
  t.same(shown, ['the ', '', 'END of it', '']);
  t.notOk(stopped);
});

t.test('the first of several stop strings counts, and a held back end is flushed', async (t) => {
  t.equal(run(['bb', 'c'], ['abcbb']).shown.join(''), 'ab');
  t.same(run(['xyz'], ['12x', 'y']).shown, ['12', '', 'xy']);
  t.same(run(['', 'q'], ['ab']).shown, ['ab', '']);
});
