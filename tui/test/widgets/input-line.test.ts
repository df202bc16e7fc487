// A line that is typed.
import { edit, entered, type InputLine, inputLine } from '@shoal/tui/internal/widgets/input-line.js';
import t from 'tap';

function typed(line: InputLine, ...keys: readonly string[]): InputLine {
  return keys.reduce((now, key) => {
    const isText = [...key].length === 1 || !/^[A-Za-z]/.test(key);
    return edit(now, isText ? { key, text: key } : { key }) ?? now;
  }, line);
}

t.test('letters, and keys that go and take away', async (t) => {
  const line = typed(inputLine(), ...'helo', 'left', 'l');
  t.match(line, { text: 'hello', cursor: 4 });
  t.match(typed(line, 'home', 'delete'), { text: 'ello', cursor: 0 });
  t.match(typed(line, 'end', 'backspace'), { text: 'hell', cursor: 4 });
  t.match(typed(line, 'C-u'), { text: 'o', cursor: 0 });
  t.match(typed(line, 'C-k'), { text: 'hell', cursor: 4 });
  t.match(typed(inputLine(), ...'one two', 'C-w'), { text: 'one ', cursor: 4 });
  t.equal(edit(line, { key: 'f5' }), undefined, 'what means nothing changes nothing');
});

t.test('a glyph is one step, however many code units it has', async (t) => {
  const line = typed(inputLine(), 'a', '👩‍👩‍👧‍👦', 'b');
  t.equal(typed(line, 'left', 'left').cursor, 1);
  t.equal(typed(line, 'left', 'backspace').text, 'ab');
  t.equal(typed(line, 'home', 'right', 'delete').text, 'ab');
});

t.test('what was entered is found again', async (t) => {
  const first = entered(typed(inputLine(), ...'one'));
  const second = entered(typed(first, ...'two'));
  t.match(second, { text: '', history: ['one', 'two'] });
  t.equal(typed(second, 'up').text, 'two');
  t.equal(typed(second, 'up', 'up', 'up').text, 'one');
  t.equal(typed(second, 'up', 'down').text, '');
  t.same(entered(typed(second, ...'two')).history, ['one', 'two'], 'the same twice is kept once');
});
