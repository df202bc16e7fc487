import type { Command } from './command.js';
import { benchCommand } from './commands/bench.js';
import { chatCommand } from './commands/chat.js';
import { completionCommand } from './commands/completion.js';
import { demoCommand } from './commands/demo.js';
import { devicesCommand } from './commands/devices.js';
import { doctorCommand } from './commands/doctor.js';
import { errorsCommand } from './commands/errors.js';
import { explainCommand } from './commands/explain.js';
import { helpCommand } from './commands/help.js';
import { dropCommand, keepCommand } from './commands/keep.js';
import { logsCommand } from './commands/logs.js';
import { machinesCommand } from './commands/machines.js';
import { modelsCommand } from './commands/models.js';
import { moveCommand } from './commands/move.js';
import { nodeCommand } from './commands/node.js';
import { nodesCommand } from './commands/nodes.js';
import {
  cordonCommand,
  drainCommand,
  leaveCommand,
  pauseCommand,
  renameCommand,
  resumeCommand,
  uncordonCommand,
} from './commands/operate.js';
import { psCommand } from './commands/ps.js';
import { quantizeCommand } from './commands/quantize.js';
import { runCommand } from './commands/run.js';
import { topCommand } from './commands/top.js';
import { topologyCommand } from './commands/topology.js';
import { unloadCommand } from './commands/unload.js';

/** All commands, in the order of the help. */
export const commands: readonly Command[] = [
  runCommand,
  chatCommand,
  demoCommand,
  quantizeCommand,
  modelsCommand,
  topCommand,
  explainCommand,
  doctorCommand,
  devicesCommand,
  benchCommand,
  errorsCommand,
  nodeCommand,
  nodesCommand,
  keepCommand,
  dropCommand,
  cordonCommand,
  uncordonCommand,
  drainCommand,
  pauseCommand,
  resumeCommand,
  renameCommand,
  leaveCommand,
  moveCommand,
  topologyCommand,
  machinesCommand,
  psCommand,
  unloadCommand,
  logsCommand,
  completionCommand,
  helpCommand,
];
