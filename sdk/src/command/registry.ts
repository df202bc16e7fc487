import type { Command } from './command.js';

/** All commands, in the order of the help. Each is loaded when it is wanted: what one is made of, the others do not wait for. */
const loaders: Readonly<Record<string, () => Promise<Command>>> = {
  run: async () => (await import('./commands/run.js')).runCommand,
  chat: async () => (await import('./commands/chat.js')).chatCommand,
  demo: async () => (await import('./commands/demo.js')).demoCommand,
  quantize: async () => (await import('./commands/quantize.js')).quantizeCommand,
  models: async () => (await import('./commands/models.js')).modelsCommand,
  top: async () => (await import('./commands/top.js')).topCommand,
  explain: async () => (await import('./commands/explain.js')).explainCommand,
  doctor: async () => (await import('./commands/doctor.js')).doctorCommand,
  devices: async () => (await import('./commands/devices.js')).devicesCommand,
  bench: async () => (await import('./commands/bench.js')).benchCommand,
  errors: async () => (await import('./commands/errors.js')).errorsCommand,
  node: async () => (await import('./commands/node.js')).nodeCommand,
  nodes: async () => (await import('./commands/nodes.js')).nodesCommand,
  keep: async () => (await import('./commands/keep.js')).keepCommand,
  drop: async () => (await import('./commands/keep.js')).dropCommand,
  cordon: async () => (await import('./commands/operate.js')).cordonCommand,
  uncordon: async () => (await import('./commands/operate.js')).uncordonCommand,
  drain: async () => (await import('./commands/operate.js')).drainCommand,
  pause: async () => (await import('./commands/operate.js')).pauseCommand,
  resume: async () => (await import('./commands/operate.js')).resumeCommand,
  rename: async () => (await import('./commands/operate.js')).renameCommand,
  leave: async () => (await import('./commands/operate.js')).leaveCommand,
  move: async () => (await import('./commands/move.js')).moveCommand,
  topology: async () => (await import('./commands/topology.js')).topologyCommand,
  machines: async () => (await import('./commands/machines.js')).machinesCommand,
  ps: async () => (await import('./commands/ps.js')).psCommand,
  unload: async () => (await import('./commands/unload.js')).unloadCommand,
  logs: async () => (await import('./commands/logs.js')).logsCommand,
  completion: async () => (await import('./commands/completion.js')).completionCommand,
  help: async () => (await import('./commands/help.js')).helpCommand,
};

/** Undefined: there is none of this name. */
export async function loadCommand(name: string): Promise<Command | undefined> {
  return Object.hasOwn(loaders, name) ? loaders[name]?.() : undefined;
}

/** All of them, for what speaks about each. */
export function loadCommands(): Promise<readonly Command[]> {
  return Promise.all(Object.values(loaders).map((load) => load()));
}
