import type { Command, CommandInvocation } from '../command.js';
import { findCommand } from '../find-command.js';
import { printCommandHelp, printOverview } from '../help.js';

async function help({ positionals, terminal, commands }: CommandInvocation): Promise<void> {
  const [name] = positionals;
  if (terminal.isJson) {
    const shown = name === undefined ? commands : [findCommand(commands, name)];
    terminal.json(shown.map(({ run: _run, ...command }) => command));
  } else if (name === undefined) printOverview(terminal, commands);
  else printCommandHelp(terminal, findCommand(commands, name));
}

export const helpCommand: Command = {
  name: 'help',
  group: 'This command',
  arguments: [{ name: 'COMMAND', description: 'Command to explain.', optional: true, completes: 'command' }],
  summary: 'Show how a command is used.',
  options: [],
  examples: [['shoal help run', 'arguments, options and examples of `shoal run`']],
  run: help,
};
