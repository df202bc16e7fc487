// Where the prompt of `shoal run` and the messages of `shoal chat` come from.
import { PassThrough, Readable } from 'node:stream';
import { MessageReader } from 'shoal/internal/command/commands/chat.js';
import { readPrompt } from 'shoal/internal/command/prompt.js';
import { Terminal } from 'shoal/internal/command/terminal.js';
import t from 'tap';

const terminal = () => new Terminal({ output: new PassThrough(), diagnostics: new PassThrough(), environment: {} });
const never = new AbortController().signal;
const read = (words: readonly string[], ...pieces: readonly (string | Buffer)[]) =>
  readPrompt(words, terminal(), never, Readable.from(pieces.map((piece) => Buffer.from(piece))));

t.test('a prompt on the command line leaves standard input alone', async (t) => {
  const input = new PassThrough();
  t.equal(await readPrompt(['What', 'is'], terminal(), never, input), 'What is');
  t.equal(input.readableFlowing, null, 'nobody has begun to read');
});

t.test('standard input alone, or in the place of a word', async (t) => {
  t.equal(await read([], 'two\n', 'lines\n'), 'two\nlines');
  t.equal(await read(['Sum', 'up:', '-'], 'a letter\r\n'), 'Sum up: a letter');
  const euro = Buffer.from('€');
  t.equal(await read([], euro.subarray(0, 1), euro.subarray(1)), '€', 'a character cut between two pieces');
});

t.test('no prompt', async (t) => {
  const missing = { code: 'ARGUMENT_INVALID', message: /shoal run: PROMPT is missing/ };
  await t.rejects(read([], ''), missing);
  await t.rejects(read(['-'], '\n'), missing);
  const typed = Object.assign(new PassThrough(), { isTTY: true });
  await t.rejects(readPrompt([], terminal(), never, typed), missing, 'nobody waits for what a terminal may type');
});

t.test('an interrupt ends the wait for a prompt', async (t) => {
  const interrupt = new AbortController();
  const waiting = readPrompt([], terminal(), interrupt.signal, new PassThrough());
  interrupt.abort(new Error('enough'));
  await t.rejects(waiting, /enough/);
  await t.rejects(readPrompt([], terminal(), interrupt.signal, new PassThrough()), /enough/);
});

t.test('an endless input is refused', async (t) => {
  const endless = Readable.from(
    (function* () {
      for (;;) yield Buffer.alloc(1024 * 1024, 'a');
    })(),
  );
  const refused = { code: 'ARGUMENT_INVALID', message: /longer than 64 MiB/ };
  await t.rejects(readPrompt([], terminal(), never, endless), refused);
});

t.test('messages of one line, and of several', async (t) => {
  const reader = new MessageReader();
  const messages = ['  one ', '"""', '  two', '', 'lines """', '"""three"""', '""" four', 'five"""', ''];
  t.same(
    messages.map((line) => reader.add(line)),
    ['one', undefined, undefined, undefined, 'two\n\nlines', 'three', undefined, 'four\nfive', ''],
  );
});
