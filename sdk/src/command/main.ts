#!/usr/bin/env node
import { inspect } from 'node:util';
import { ShoalError } from '@shoal/core';
import { type Command, parseCommandLine } from './command.js';
import { chatCommand } from './commands/chat.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { explainCommand } from './commands/explain.js';
import { nodeCommand } from './commands/node.js';
import { runCommand } from './commands/run.js';
import { printCommandHelp, printOverview } from './help.js';
import { Terminal } from './terminal.js';

const commands: readonly Command[] = [demoCommand, runCommand, chatCommand, nodeCommand, explainCommand, doctorCommand];

const interruptedExitCode = 130;

async function main(words: readonly string[]): Promise<void> {
  const terminal = new Terminal();
  const [name, ...rest] = words;
  if (name === undefined || name === 'help' || name === '--help' || name === '-h') {
    printOverview(terminal, commands);
    return;
  }
  const command = commands.find((one) => one.name === name);
  if (!command) {
    const known = commands.map((one) => one.name).join(', ');
    throw new ShoalError('ARGUMENT_INVALID', `there is no command "${name}"; there are ${known}`);
  }
  if (rest.includes('--help') || rest.includes('-h')) {
    printCommandHelp(terminal, command);
    return;
  }
  const interrupt = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.on(signal, () => {
      if (interrupt.signal.aborted) process.exit(interruptedExitCode);
      interrupt.abort(new ShoalError('ABORTED', 'interrupted'));
    });
  }
  try {
    await command.run({ ...parseCommandLine(command, rest), terminal, signal: interrupt.signal });
  } finally {
    terminal.clearProgress();
  }
  if (interrupt.signal.aborted) process.exitCode = interruptedExitCode;
}

main(process.argv.slice(2)).then(
  // Explicitly, because a library that keeps a handle open must not keep the command alive.
  () => process.exit(),
  (thrown: unknown) => {
    const error = ShoalError.from(thrown);
    process.stderr.write(`${error.code}: ${error.message}\n`);
    if (error.code !== 'ABORTED') process.stderr.write(`  ${error.remedy}\n`);
    if (process.env.SHOAL_DEBUG) process.stderr.write(`${inspect(error)}\n`);
    process.exit(error.code === 'ABORTED' ? interruptedExitCode : 1);
  },
);
