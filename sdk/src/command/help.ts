import { formatTable } from '@shoal/core';
import type { Command, OptionSpecification } from './command.js';
import type { Terminal } from './terminal.js';

const commonOptions: readonly OptionSpecification[] = [{ name: 'help', short: 'h', description: 'Show this text.' }];

/** The first page: what Shoal is, the commands, and how to begin. */
export function printOverview(terminal: Terminal, commands: readonly Command[]): void {
  terminal.line('Shoal joins the machines around you into one engine that runs language models.');
  terminal.line();
  terminal.line(`${terminal.bold('Usage')}  shoal <command> [options]`);
  terminal.line();
  terminal.line(terminal.bold('Commands'));
  for (const line of formatTable(commands.map(({ name, summary }) => [`  ${name}`, summary]))) terminal.line(line);
  terminal.line();
  terminal.line(terminal.bold('Begin with'));
  terminal.line('  shoal demo                      two nodes on this machine answer questions together');
  terminal.line('  shoal run MODEL "a question"    one answer, on what this machine has');
  terminal.line('  shoal <command> --help          options and examples of a command');
}

/** Options, arguments and examples of one command. */
export function printCommandHelp(terminal: Terminal, command: Command): void {
  terminal.line(command.summary);
  terminal.line();
  const usage = ['shoal', command.name, command.arguments, '[options]'].filter((word) => word !== '').join(' ');
  terminal.line(`${terminal.bold('Usage')}  ${usage}`);
  if (command.description) {
    terminal.line();
    terminal.line(command.description);
  }
  terminal.line();
  terminal.line(terminal.bold('Options'));
  const rows = [...command.options.filter(({ name }) => name !== 'help'), ...commonOptions].map((option) => [
    `  ${option.short ? `-${option.short}, ` : ''}--${option.name}${option.value ? ` ${option.value}` : ''}`,
    option.description,
  ]);
  for (const line of formatTable(rows)) terminal.line(line);
  if (command.examples.length > 0) {
    terminal.line();
    terminal.line(terminal.bold('Examples'));
    for (const line of formatTable(command.examples.map(([text, meaning]) => [`  ${text}`, meaning]))) {
      terminal.line(line);
    }
  }
}
