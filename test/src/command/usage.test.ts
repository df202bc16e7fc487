// How the command explains itself, and what it says to a wrong command line: as a process of its own.
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { shoal } from '../support/command.js';
import { noPseudoTerminal, shoalInTerminal } from '../support/pseudo-terminal.js';
import { commandScript } from '../support/repository.js';

interface ErrorDocument {
  readonly error: {
    readonly code: string;
    readonly message: string;
    readonly remedy: string;
    readonly details: object;
  };
}

const plain = { NO_COLOR: '', FORCE_COLOR: '' };

t.test('the first page teaches', async (t) => {
  const { code, output, errors } = await shoal([]);
  t.equal(code, 0);
  t.equal(errors, '');
  t.match(output, /^Shoal joins the machines around you/);
  for (const line of ['shoal demo', 'shoal run shoal-tiny-chat', 'shoal doctor']) t.match(output, line);
  t.equal((await shoal(['--help'])).output, output);
});

t.test('a command explains itself in the width of its terminal', { skip: noPseudoTerminal }, async (t) => {
  for (const columns of [50, 90]) {
    const { output, code } = await shoalInTerminal(['run', '--help'], { columns });
    t.equal(code, 0);
    const lines = stripVTControlCharacters(output).split('\r\n');
    const longest = Math.max(...lines.filter((line) => !line.startsWith('  shoal ')).map((line) => line.length));
    t.ok(longest <= columns && longest > columns - 15, `${longest} of ${columns} columns are used`);
  }
});

t.test('a mistyped word is answered with the nearest one', async (t) => {
  for (const [words, expected] of [
    [['rnu'], /no command "rnu"; did you mean run\?/],
    [['run', '--storge', 'q4_0'], /no option --storge; did you mean --storage\?/],
    [['errors', 'PLAN_DOES_NOT_FTI'], /did you mean PLAN_DOES_NOT_FIT\?/],
  ] as const) {
    const { code, output, errors } = await shoal(words);
    t.equal(code, 2, words.join(' '));
    t.equal(output, '');
    t.match(errors, /^ARGUMENT_INVALID: /);
    t.match(errors, expected);
    t.match(errors, /docs\/errors\.md#argument_invalid/);
  }
});

t.test('errors are JSON where JSON was asked for', async (t) => {
  for (const words of [
    ['--json', 'rnu'],
    ['run', '--json'],
  ]) {
    const { code, output, errors } = await shoal(words);
    t.equal(code, 2);
    t.equal(errors, '');
    const { error } = JSON.parse(output) as ErrorDocument;
    t.match(error, { code: 'ARGUMENT_INVALID', message: String, remedy: String, details: Object });
  }
  const { code, output } = await shoal(['explain', '/there/is/no/model', '--json']);
  t.equal(code, 1);
  t.match(JSON.parse(output), { error: { code: 'MODEL_NOT_FOUND', details: { model: '/there/is/no/model' } } });
});

t.test('the version, for people and for programs', async (t) => {
  t.match((await shoal(['--version'])).output, /^shoal \d+\.\d+\.\d+\n$/);
  const { output } = await shoal(['--version', '--json']);
  t.match(JSON.parse(output), { version: /^\d/, runtime: /^(node|bun) /, controlProtocol: Number, contracts: Object });
});

t.test('colours are for terminals', { skip: noPseudoTerminal }, async (t) => {
  const boldOn = '\u001b[1m';
  const page = async (args: string[], environment: NodeJS.ProcessEnv) =>
    (await shoalInTerminal(args, { environment })).output.includes(boldOn);
  t.ok(await page(['help', 'errors'], {}), 'a terminal gets them');
  t.notOk(await page(['help', 'errors'], { NO_COLOR: '1' }), 'unless NO_COLOR is set');
  t.notOk(await page(['help', 'errors', '--no-color'], { FORCE_COLOR: '1' }), 'or --no-color is given');
  t.notOk((await shoal(['help', 'errors'], plain)).output.includes(boldOn), 'a pipe gets none');
  t.ok((await shoal(['help', 'errors'], { ...plain, FORCE_COLOR: '1' })).output.includes(boldOn), 'unless forced');
});

t.test('a reader that leaves is no error', async (t) => {
  const child = spawn(process.execPath, [commandScript, 'errors'], { stdio: ['ignore', 'pipe', 'pipe'] });
  child.stdout.destroy();
  let errors = '';
  child.stderr.setEncoding('utf8').on('data', (chunk: string) => {
    errors += chunk;
  });
  const [code] = (await once(child, 'close')) as [number | null];
  t.equal(errors, '');
  t.equal(code, 0);
});

t.test('Ctrl-C ends in order, with its own exit code', { skip: noPseudoTerminal }, async (t) => {
  const args = ['run', 'shoal-tiny-chat', 'Spell cat.', '--raw', '--max-tokens', '100000', '--context', '4096'];
  const result = await shoalInTerminal([...args, '--temperature', '2', '--seed', '1'], {
    // The first character of the answer is enough.
    steps: [{ expect: '\u001b[2K' }, { send: '\u0003' }],
  });
  t.equal(result.code, 130, result.output);
  t.notOk(result.timedOut);
  t.match(result.output, 'ABORTED: interrupted');
});
