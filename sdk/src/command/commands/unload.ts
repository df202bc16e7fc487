import { attach } from '../../client.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function unload({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [instance = ''] = positionals;
  await using cluster = await attach({ ...parseHome(options), signal });
  await cluster.unload(instance);
  if (terminal.isJson) terminal.json({ instance });
  else terminal.line(`${instance} is unloaded`);
}

export const unloadCommand: Command = {
  name: 'unload',
  group: 'Nodes',
  arguments: [{ name: 'INSTANCE', description: 'Instance of a loaded model; `shoal ps` lists them.' }],
  summary: 'Free what a loaded model takes; its answers end.',
  options: [homeOption],
  examples: [['shoal unload 0123456789abcdef', 'an instance that `shoal ps` has listed']],
  run: unload,
};
