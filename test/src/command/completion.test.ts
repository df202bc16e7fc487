// Completion as the shells themselves do it. Where a shell is not installed, its test says so and is skipped.
import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import { stripVTControlCharacters } from 'node:util';
import t from 'tap';
import { inTerminal, noPseudoTerminal } from '../support/pseudo-terminal.js';
import { commandScript } from '../support/repository.js';

/** A folder with the command as people have it, in the path, and the scripts that it prints. */
const root = mkdtempSync(path.join(tmpdir(), 'shoal-completion-'));
t.teardown(() => rmSync(root, { recursive: true, force: true }));
const wrapper = path.join(root, 'bin', 'shoal');
const environment = {
  PATH: `${path.dirname(wrapper)}${path.delimiter}${process.env.PATH}`,
  HOME: root,
  SHOAL_HOME: path.join(root, 'home'),
};
if (process.platform !== 'win32') {
  mkdirSync(path.dirname(wrapper));
  writeFileSync(wrapper, `#!/bin/sh\nexec "${process.execPath}" "${commandScript}" "$@"\n`);
  chmodSync(wrapper, 0o755);
  mkdirSync(path.join(root, 'work', 'folder-of-a-model'), { recursive: true });
  writeFileSync(path.join(root, 'work', 'my-plugins.json'), '[]');
}

function missing(shell: string): string | false {
  if (process.platform === 'win32') return 'the shells of Windows are others';
  return spawnSync(shell, ['--version']).error ? `${shell} is not installed` : false;
}

const script = (shell: string) => spawnSync(wrapper, ['completion', shell], { encoding: 'utf8' }).stdout;

/** A line up to the cursor, and what is to be offered; `exactly` when nothing else is. */
const cases: readonly {
  readonly line: string;
  readonly offers: readonly string[];
  readonly exactly?: boolean;
}[] = [
  { line: 'shoal ', offers: ['run', 'chat', 'explain', 'doctor', 'completion'] },
  { line: 'shoal exp', offers: ['explain'], exactly: true },
  { line: 'shoal run --sto', offers: ['--storage', '--stop', '--stop-token'], exactly: true },
  { line: 'shoal run --storage q', offers: ['q8_0', 'q4_0'] },
  { line: 'shoal explain --plan tp', offers: ['tp=2', 'tp=2,pp=2'] },
  { line: 'shoal run shoal-t', offers: ['shoal-tiny-chat'] },
  { line: 'shoal run --temperature 1 fold', offers: ['folder-of-a-model'] },
  { line: 'shoal doctor --plugins my', offers: ['my-plugins.json'], exactly: true },
  {
    line: 'shoal errors PLAN_',
    offers: ['PLAN_DOES_NOT_FIT', 'PLAN_NO_DEVICES', 'PLAN_SHAPE_IMPOSSIBLE'],
    exactly: true,
  },
  { line: 'shoal help ben', offers: ['bench'], exactly: true },
  { line: 'shoal completion ', offers: ['bash', 'zsh', 'fish'], exactly: true },
  { line: 'shoal logs --level ', offers: ['debug', 'info', 'warn', 'error'], exactly: true },
];

type Checks = Pick<typeof t, 'ok' | 'same'>;

/** Checks what a shell offers for all lines; `complete` runs them in one shell and gives their candidates. */
function check(t: Checks, complete: (lines: readonly string[]) => readonly string[][]): void {
  const offered = complete(cases.map(({ line }) => line));
  for (const [index, { line, offers, exactly }] of cases.entries()) {
    const found = (offered[index] ?? []).map((word) => word.replace(/\/$/, ''));
    if (exactly) t.same([...found].sort(), [...offers].sort(), line);
    else for (const word of offers) t.ok(found.includes(word), `${line}: ${word} in ${found.join(' ')}`);
  }
}

/** What a shell script prints, as the candidates of each line. */
function candidates(shell: string, args: readonly string[], text: string): string[][] {
  const file = path.join(root, `ask.${shell}`);
  writeFileSync(file, text);
  const cwd = path.join(root, 'work');
  const { stdout } = spawnSync(shell, [...args, file], {
    encoding: 'utf8',
    cwd,
    env: { ...process.env, ...environment },
  });
  const parts = stdout.split('=== next\n').slice(1);
  return parts.map((part) => part.split('\n').filter((line) => line !== ''));
}

const singleQuoted = (text: string) => `'${text.replaceAll("'", "'\\''")}'`;

t.test('bash', { skip: missing('bash') }, async (t) => {
  check(t, (lines) => {
    // What readline does when the tabulator is pressed; "=" breaks words.
    const ask = lines.map((line) => {
      const words = line.replace(/=/g, ' = ').split(/ +/);
      return `COMP_LINE=${singleQuoted(line)}; COMP_POINT=${line.length}; COMP_WORDS=(${words.map(singleQuoted).join(' ')})
COMP_CWORD=${words.length - 1}; echo "=== next"; _shoal; printf '%s\\n' "\${COMPREPLY[@]}"`;
    });
    return candidates('bash', ['--norc'], `${script('bash')}\n${ask.join('\n')}\n`);
  });
});

t.test('bash, with the tabulator', { skip: missing('bash') || noPseudoTerminal }, async (t) => {
  writeFileSync(path.join(root, 'bashrc'), `PS1='ready> '\nbind 'set bell-style none' 2>/dev/null\n${script('bash')}`);
  const { output } = await inTerminal('bash', ['--rcfile', path.join(root, 'bashrc'), '-i'], {
    environment,
    quietSeconds: 0.3,
    steps: [
      { expect: 'ready> ', send: 'echo shoal; shoal explai\t' },
      { expect: 'explain ', send: '--pla\t' },
      { expect: '--plan ', send: 'tp=2,\t' },
      { expect: 'tp=2,pp=2', send: '--storage=q8\t' },
      { expect: '--storage=q8_0', send: '\u0003' },
      { expect: 'ready> ', send: 'exit\r' },
    ],
  });
  t.match(stripVTControlCharacters(output), 'shoal explain --plan tp=2,pp=2 --storage=q8_0');
});

t.test('fish', { skip: missing('fish') }, async (t) => {
  check(t, (lines) => {
    const ask = lines.map(
      (line) => `echo '=== next'; complete -C ${singleQuoted(line)} | string replace -r '\\t.*' ''`,
    );
    return candidates('fish', ['--no-config'], `${script('fish')}\n${ask.join('\n')}\n`);
  });
});

t.test('zsh, with the tabulator', { skip: missing('zsh') || noPseudoTerminal }, async (t) => {
  mkdirSync(path.join(root, 'zsh'));
  const start = "PS1='ready> '\nunsetopt beep\nautoload -Uz compinit && compinit -u -D\n";
  writeFileSync(path.join(root, 'zsh', '.zshrc'), `${start}${script('zsh')}`);
  const { output } = await inTerminal('zsh', ['-i'], {
    environment: { ...environment, ZDOTDIR: path.join(root, 'zsh'), TERM: 'dumb' },
    // Wider than any line: where there is no room, zsh moves the line and draws it in pieces.
    columns: 240,
    quietSeconds: 0.3,
    steps: [
      { expect: 'ready> ', send: 'shoal expl\t' },
      { expect: 'explain ', send: 'shoal-t\t' },
      { expect: 'shoal-tiny-chat ', send: '--local\t' },
      { expect: '--local-nodes', send: ' 2 --storage q8\t' },
      { expect: 'q8_0', send: ' --plan tp=2,\t' },
      { expect: 'tp=2,pp=2', send: '\u0003' },
      { expect: 'ready> ', send: 'shoal errors PLAN_D\t' },
      { expect: 'PLAN_DOES_NOT_FIT', send: '\u0003' },
      { expect: 'ready> ', send: 'exit\r' },
    ],
  });
  t.match(stripVTControlCharacters(output), /PLAN_DOES_NOT_FIT/);
  t.match(stripVTControlCharacters(output), /shoal-tiny-chat/);
});
