import type { Command } from './command.js';
import { chatCommand } from './commands/chat.js';
import { demoCommand } from './commands/demo.js';
import { doctorCommand } from './commands/doctor.js';
import { errorsCommand } from './commands/errors.js';
import { explainCommand } from './commands/explain.js';
import { helpCommand } from './commands/help.js';
import { nodeCommand } from './commands/node.js';
import { runCommand } from './commands/run.js';

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  chatCommand,
  demoCommand,
  explainCommand,
  doctorCommand,
  errorsCommand,
  nodeCommand,
  helpCommand,
];
