import {
  type Command,
  commandGroups,
  commonOptions,
  exitCodes,
  type OptionSpecification,
  optionsOf,
} from './command.js';
import { definitionList, wrap } from './layout.js';
import { usageOf } from './options.js';
import type { Terminal } from './terminal.js';

const environment: readonly (readonly [name: string, meaning: string])[] = [
  ['SHOAL_HOME', 'Folder of identity, keys, models and the running node (default: .shoal in your home folder).'],
  ['SHOAL_LOG', 'Print log records to standard error from this level on: debug, info, warn or error.'],
  ['SHOAL_DEBUG', 'Print the stack and the cause of an error, too.'],
  ['NO_COLOR, FORCE_COLOR', 'Never, or always, print colours; otherwise they are for terminals only.'],
];

const commonExitCodes: readonly (readonly [string, string])[] = [
  [String(exitCodes.success), 'It worked.'],
  [String(exitCodes.failure), 'It failed; the error has a code (`shoal errors CODE`).'],
  [String(exitCodes.usage), 'The command line is wrong.'],
  [String(exitCodes.interrupted), 'Interrupted by Ctrl-C. Once ends in order, twice at once.'],
];

/** The help of a command, or the first page; as JSON the help of all commands. */
export function printHelp(terminal: Terminal, commands: readonly Command[], command?: Command): void {
  if (terminal.isJson) {
    const shown = command === undefined ? commands : [command];
    terminal.json(shown.map(({ run: _run, ...help }) => help));
  } else if (command === undefined) printOverview(terminal, commands);
  else printCommandHelp(terminal, command);
}

/** The first page: what Shoal is, how to begin, and the commands. */
export function printOverview(terminal: Terminal, commands: readonly Command[]): void {
  const { width } = terminal;
  const about =
    'Shoal joins the machines around you into one engine that runs language models too big for any one of them.';
  for (const line of wrap(about, width)) terminal.line(line);
  heading(terminal, 'Usage');
  terminal.line('  shoal COMMAND [ARGUMENTS] [OPTIONS]');
  heading(terminal, 'Begin with');
  const beginnings = [
    ['shoal', 'On a terminal: the dashboard of the node of this machine, which is started if it does not run.'],
    ['shoal demo', 'Two nodes on this machine answer questions together.'],
    ['shoal run shoal-tiny-chat "What is 12 plus 30?"', 'One answer, here.'],
    ['shoal doctor', 'What this machine has, what is missing, and how to get it.'],
  ] as const;
  for (const line of definitionList(beginnings, width, width)) terminal.line(line);
  for (const group of commandGroups) {
    const members = commands.filter((command) => command.group === group);
    if (members.length === 0) continue;
    heading(terminal, group);
    print(
      terminal,
      members.map(({ name, summary }) => [name, summary]),
    );
  }
  heading(terminal, 'Options');
  print(terminal, [
    ...commonOptions.map(optionRow),
    ['-V, --version', 'Print the version; with --json also of the runtime, the protocol and the contracts.'],
  ]);
  heading(terminal, 'Environment');
  print(terminal, environment);
  terminal.line();
  terminal.line('`shoal help COMMAND` or `shoal COMMAND --help` shows arguments, options and examples.');
}

/** Arguments, options, examples, exit codes and environment of one command. */
export function printCommandHelp(terminal: Terminal, command: Command): void {
  for (const line of wrap(command.summary, terminal.width)) terminal.line(line);
  heading(terminal, 'Usage');
  terminal.line(`  ${['shoal', command.name, ...command.arguments.map(usageOf), '[OPTIONS]'].join(' ')}`);
  if (command.description !== undefined) {
    terminal.line();
    for (const line of wrap(command.description, terminal.width)) terminal.line(line);
  }
  if (command.arguments.length > 0) {
    heading(terminal, 'Arguments');
    print(
      terminal,
      command.arguments.map(({ name, description, choices }) => [name, withChoices(description, choices)]),
    );
  }
  for (const [section, options] of sectionsOf(command)) {
    heading(terminal, section);
    print(terminal, options.map(optionRow));
  }
  if (command.examples.length > 0) {
    heading(terminal, 'Examples');
    for (const [line, meaning] of command.examples) {
      terminal.line(`  ${terminal.bold(line)}`);
      for (const part of wrap(meaning, terminal.width - 6)) terminal.line(`      ${part}`);
    }
  }
  heading(terminal, 'Exit codes');
  const own = (command.exitCodes ?? []).map(([code, meaning]): readonly [string, string] => [String(code), meaning]);
  print(terminal, [...commonExitCodes.filter(([code]) => !own.some(([one]) => one === code)), ...own].sort(byCode));
  heading(terminal, 'Environment');
  print(terminal, environment);
}

function byCode([left]: readonly [string, string], [right]: readonly [string, string]): number {
  return Number(left) - Number(right);
}

function sectionsOf(command: Command): Map<string, OptionSpecification[]> {
  const sections = new Map<string, OptionSpecification[]>();
  for (const option of optionsOf(command)) {
    const section = option.section ?? 'Options';
    sections.set(section, [...(sections.get(section) ?? []), option]);
  }
  return sections;
}

function optionRow(option: OptionSpecification): readonly [string, string] {
  const { name, short, value, choices, multiple } = option;
  const term = `${short === undefined ? '    ' : `-${short}, `}--${name}${value === undefined ? '' : ` ${value}`}`;
  const repeat = multiple ? ' May be repeated.' : '';
  const standard = option.default === undefined ? '' : ` Default: ${option.default}.`;
  return [term, `${withChoices(option.description, choices)}${repeat}${standard}`];
}

function withChoices(description: string, choices: readonly string[] | undefined): string {
  return choices === undefined || choices.length > 12 ? description : `${description} One of ${choices.join(', ')}.`;
}

function heading(terminal: Terminal, text: string): void {
  terminal.line();
  terminal.line(terminal.bold(text));
}

function print(terminal: Terminal, rows: readonly (readonly [string, string])[]): void {
  for (const line of definitionList(rows, terminal.width)) terminal.line(line);
}
