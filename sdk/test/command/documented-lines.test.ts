// Every line of `shoal` that the pages show is one that the command takes: a renamed option is noticed where it is shown.
import { readdirSync, readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { findCommand } from 'shoal/internal/command/find-command.js';
import { parseCommandLine } from 'shoal/internal/command/options.js';
import { loadCommands } from 'shoal/internal/command/registry.js';
import t from 'tap';

const commands = await loadCommands();
const root = fileURLToPath(new URL('../../../../', import.meta.url));
const inFolder = (folder: string) =>
  readdirSync(`${root}${folder}`)
    .filter((name) => name.endsWith('.md'))
    .map((name) => `${folder}/${name}`);
const pages = [
  'README.md',
  'CONTRIBUTING.md',
  'models/shoal-tiny-chat/README.md',
  ...inFolder('docs'),
  ...inFolder('sdk'),
  ...readdirSync(`${root}examples`)
    .filter((name) => /^(custom-|bun)/.test(name))
    .flatMap((name) => inFolder(`examples/${name}`)),
];

interface Shown {
  readonly where: string;
  readonly line: string;
}

/** Lines of shell blocks, and what stands between back ticks. */
function shownIn(page: string): Shown[] {
  const text = readFileSync(`${root}${page}`, 'utf8');
  const at = (index: number) => `${page}:${text.slice(0, index).split('\n').length}`;
  const blocks = [...text.matchAll(/^```sh\n(.*?)^```$/gms)].flatMap(({ index, 1: block = '' }) =>
    block.split('\n').map((line, count) => ({ where: `${at(index)}+${count + 1}`, line })),
  );
  const outside = text.replaceAll(/^```.*?^```$/gms, (block) => block.replaceAll(/[^\n]/g, ' '));
  const spans = [...outside.matchAll(/`((?:npx )?shoal [^`]+)`/g)].map(({ index, 1: line = '' }) => ({
    where: at(index),
    line,
  }));
  return [...blocks, ...spans];
}

/** The words after `shoal`, as a shell takes them apart; none where the line is no command of ours. */
function wordsOf(line: string): readonly string[] | undefined {
  const command = /^(?:\w+=\S+ )*(?:npx )?shoal (.*)$/s.exec(line.trim())?.[1];
  if (command === undefined) return undefined;
  const words = [...command.matchAll(/"([^"]*)"|'([^']*)'|(\S+)/g)].map(
    ([, one, two, word]) => one ?? two ?? word ?? '',
  );
  const end = words.findIndex((word) => ['#', '|', '>', '<', '&&', '&', '…'].includes(word));
  return end < 0 ? words : words.slice(0, end);
}

/** Throws when the command does not take it. In a text, a command may stand with an option alone, and name its arguments. */
function take(name: string, rest: readonly string[]): void {
  const command = findCommand(commands, name);
  const named = new Map(command.arguments.map((argument) => [argument.name, argument.choices?.[0] ?? 'x']));
  const words = rest.filter((word) => word !== '--help').map((word) => named.get(word) ?? word);
  try {
    parseCommandLine(command, words);
  } catch (thrown) {
    if (!/ is missing /.test(String(thrown))) throw thrown;
    parseCommandLine(command, [...named.values(), ...words]);
  }
}

t.test('command lines of the pages', async (t) => {
  let checked = 0;
  for (const page of pages) {
    for (const { where, line } of shownIn(page)) {
      const [name = '', ...rest] = wordsOf(line) ?? [];
      // `shoal`, `shoal --help` and `shoal COMMAND --json` are forms, not lines.
      if (name === '' || name.startsWith('-') || /^[A-Z]+$/.test(name)) continue;
      checked += 1;
      t.doesNotThrow(() => take(name, rest), `${where}: ${line}`);
    }
  }
  t.ok(checked > 40, `${checked} lines`);
});
