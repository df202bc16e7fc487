import { JsonSyntaxError, parseJsonSource } from '@shoal/core';
import t from 'tap';

t.test('valid JSON has the value that JSON.parse gives', async (t) => {
  const texts = [
    '{}',
    '[]',
    ' {"a": [1, -2.5e3, true, false, null, "x\\n\\u00e9\\"y"], "b": {"c": {}}} ',
    '0',
    '"text"',
    '{"": 1, "a/b": 2, "m~n": 3}',
    `${'['.repeat(90)}${']'.repeat(90)}`,
  ];
  for (const text of texts) t.same(parseJsonSource(text).value, JSON.parse(text), text.slice(0, 40));
  t.same(parseJsonSource('\uFEFF{"a":1}').value, { a: 1 }, 'a byte-order mark');
});

t.test('places of values are known', async (t) => {
  const source = parseJsonSource('{\n  "list": [\n    1,\n    { "deep/er": true }\n  ]\n}');
  t.same(source.locate(''), { line: 1, column: 1 });
  t.same(source.locate('/list'), { line: 2, column: 3 });
  t.same(source.locate('/list/1'), { line: 4, column: 5 });
  t.same(source.locate('/list/1/deep~1er'), { line: 4, column: 7 });
  t.same(source.locate('/list/1/missing'), { line: 4, column: 5 }, "a missing value has its parent's place");
});

t.test('what is not JSON has line, column and reason', async (t) => {
  const cases = [
    ['{\n  "a": 1,\n}', 3, 1, /a key in double quotes was expected/],
    ['{"a" 1}', 1, 6, /":" was expected/],
    ['[1 2]', 1, 4, /"," or "\]" was expected/],
    ['', 1, 1, /unexpected end/],
    ['{"a": 1} x', 1, 10, /unexpected text after the end/],
    ['{"a": 1, "a": 2}', 1, 10, /given twice/],
    ['["a\nb"]', 1, 2, /not closed/],
    ['["\\x"]', 1, 2, /illegal/],
    ['[01]', 1, 3, /"," or "\]"/],
    ['[nul]', 1, 2, /unexpected "n"/],
    ['['.repeat(200), 1, 102, /nested deeper/],
  ] as const;
  for (const [text, line, column, message] of cases) {
    try {
      parseJsonSource(text);
      t.fail(`accepted ${text}`);
    } catch (thrown) {
      if (!(thrown instanceof JsonSyntaxError)) throw thrown;
      t.match(thrown.message, message);
      t.same(thrown.position, { line, column }, JSON.stringify(text.slice(0, 20)));
    }
  }
});

t.test('a key cannot reach the prototype', async (t) => {
  const value = parseJsonSource('{"__proto__": {"polluted": true}}').value as Record<string, unknown>;
  t.ok(Object.hasOwn(value, '__proto__'));
  t.equal(value.polluted, undefined);
});
