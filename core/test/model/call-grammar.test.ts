import { callGrammar } from '@shoal/core/internal/model/answer/call-grammar.js';
import t from 'tap';

const tools = [{ name: 'add', parameters: { properties: { a: { type: 'number' } } } }, { name: 'now' }];
const none = () => undefined;
const layout = '"x-guidance":{"whitespace_flexible":false,"item_separator":", ","key_separator":": "}';

t.test('grammars of forced calls', async (t) => {
  t.equal(
    callGrammar('tagged', tools, 'required', (text) => (text === '</tool_call>' ? 9 : undefined)),
    [
      'start: tagged ("\\n" tagged)*',
      'tagged: "<tool_call>" "\\n" call "\\n" <[9]>',
      'call: call_0 | call_1',
      'call_0: "{\\"name\\": \\"add\\", \\"arguments\\": " arguments_0 "}"',
      'call_1: "{\\"name\\": \\"now\\", \\"arguments\\": " arguments_1 "}"',
      `arguments_0: %json {"type":"object",${layout},"properties":{"a":{"type":"number"}}}`,
      `arguments_1: %json {"type":"object",${layout}}`,
    ].join('\n'),
  );
  t.equal(
    callGrammar('json', tools, { name: 'now' }, none),
    [
      'start: call',
      'call: call_0',
      'call_0: "{\\"name\\": \\"now\\", \\"parameters\\": " arguments_0 "}"',
      `arguments_0: %json {"type":"object",${layout}}`,
    ].join('\n'),
  );
  t.match(
    callGrammar('mistral', tools, { name: 'now' }, () => 5),
    /^start: <\[5\]> "\[" call "\]"\n/,
  );
  t.equal(callGrammar('harmony', tools, 'required', none), undefined);
  t.equal(callGrammar('pythonic', tools, 'required', none), undefined);
  t.equal(callGrammar(undefined, tools, 'required', none), undefined);
});
