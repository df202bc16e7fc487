import { ShoalError } from '@shoal/core/client';
import type { Command } from './command.js';
import { nearest } from './nearest.js';

/** Throws ARGUMENT_INVALID with the name that was probably meant. */
export function findCommand(commands: readonly Command[], name: string): Command {
  const found = commands.find((one) => one.name === name);
  if (found) return found;
  const names = commands.map((one) => one.name);
  const isOption = name.startsWith('-');
  const suggestion = isOption ? undefined : nearest(name, names);
  const others = suggestion === undefined ? `there are ${names.join(', ')}` : `did you mean ${suggestion}?`;
  // The dashboard is what `shoal` alone shows.
  const hint = isOption ? `the dashboard takes options as \`shoal top ${name} …\`` : others;
  const what = isOption ? `the option ${name} needs a command before it` : `there is no command "${name}"`;
  throw new ShoalError('ARGUMENT_INVALID', `${what}; ${hint} (see \`shoal --help\`)`, {
    details: { command: name, commands: names, ...(suggestion === undefined ? {} : { suggestion }) },
  });
}
