import type { Command, CommandInvocation } from '../command.js';
import { findCommand } from '../find-command.js';
import { printHelp } from '../help.js';

async function help({ positionals, terminal, commands }: CommandInvocation): Promise<void> {
  const [name] = positionals;
  printHelp(terminal, commands, name === undefined ? undefined : findCommand(commands, name));
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
