import type { Command, CommandInvocation } from '../command.js';
import { findCommand } from '../find-command.js';
import { printHelp } from '../help.js';
import { loadCommands } from '../registry.js';

async function help({ positionals, terminal }: CommandInvocation): Promise<void> {
  const commands = await loadCommands();
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
