// A conversation on the command line: typed on a terminal, and from a pipe.
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { shoal } from '../support/command.js';
import { noPseudoTerminal, shoalInTerminal } from '../support/pseudo-terminal.js';

t.test('typed on a terminal', { skip: noPseudoTerminal }, async (t) => {
  const steps = [
    { expect: '> ', send: 'What is 12 plus 30?\r' },
    { expect: '12 + 30 = 42.', send: '"""\rWhat is the capital\rof France?"""\r' },
    { expect: '> ', send: `${'cat '.repeat(600)}\r` },
    { expect: 'REQUEST_TOO_LONG', send: '/new\r' },
    { expect: '> ', send: 'Spell cat.\r' },
    { expect: 'c-a-t', send: '/exit\r' },
  ];
  const { output, code, timedOut } = await shoalInTerminal(['chat', 'shoal-tiny-chat', '--home', t.testdir()], {
    steps,
    environment: { SHOAL_LOG: '' },
  });
  const text = stripVTControlCharacters(output);
  t.notOk(timedOut, text);
  t.equal(code, 0);
  t.match(text, /REQUEST_TOO_LONG: [\s\S]*Or type \/new to start over/, 'a message that is too long ends nothing');
  t.match(text, /cat is spelled c-a-t/);
});

t.test('from a pipe: answers alone', async (t) => {
  const { code, output, errors } = await shoal(
    ['chat', 'shoal-tiny-chat', '--home', t.testdir()],
    { SHOAL_LOG: '' },
    'What is 12 plus 30?\nand minus 3?\n',
  );
  t.equal(code, 0, errors);
  t.equal(output, '12 + 30 = 42.\n42 - 3 = 39.\n');
});

t.test('one answer to what comes through a pipe', async (t) => {
  const home = ['--home', t.testdir()];
  const piped = await shoal(['run', 'shoal-tiny-chat', ...home], {}, 'What is 12 plus 30?\n');
  t.equal(piped.output, '12 + 30 = 42.\n', piped.errors);
  const joined = await shoal(['run', 'shoal-tiny-chat', 'What is', '-', ...home], {}, '12 plus 30?\n');
  t.equal(joined.output, '12 + 30 = 42.\n', joined.errors);
  const nothing = await shoal(['run', 'shoal-tiny-chat', ...home]);
  t.equal(nothing.code, 2);
  t.match(nothing.errors, /PROMPT is missing/);
});

t.test('an answer that keeps to a rule', async (t) => {
  const question = ['run', 'shoal-tiny-chat', 'What is 12 plus 30?', '--home', t.testdir(), '--quiet'];
  const schema = {
    type: 'object',
    properties: { sum: { type: 'integer', minimum: 0, maximum: 99 } },
    required: ['sum'],
  };
  const strict = { ...schema, additionalProperties: false };
  const { output } = await shoal([...question, '--json-schema', JSON.stringify(strict)]);
  t.type((JSON.parse(output) as { sum: unknown }).sum, 'number');
  t.match((await shoal([...question, '--regex', '[a-c]{3}'])).output, /^[a-c]{3}\n$/);
  const wrong = await shoal([...question, '--regex', '(']);
  t.equal(wrong.code, 1);
  t.match(wrong.errors, /REQUEST_INVALID: .*regex/);
});
