/** Models that the cluster keeps loaded, whichever of its nodes come and go. */
import { attach } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';
import { modelOptions, parseLoadOptions } from '../session.js';

async function keep({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = ''] = positionals;
  await using cluster = await attach({ ...parseHome(options), signal });
  const wish = await cluster.keep(model, { ...parseLoadOptions(options), signal });
  if (terminal.isJson) terminal.json({ model, wish });
  else {
    terminal.line(`the cluster keeps ${model} loaded`);
    terminal.note(`\`shoal ps\` shows where. \`shoal drop ${wish}\` ends it.`);
  }
}

async function drop({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [wish = ''] = positionals;
  await using cluster = await attach({ ...parseHome(options), signal });
  await cluster.drop(wish, { signal });
  if (terminal.isJson) terminal.json({ wish });
  else terminal.line(`${wish} is kept no longer`);
}

export const keepCommand: Command = {
  name: 'keep',
  group: 'Nodes',
  arguments: [{ name: 'MODEL', description: 'Name or folder of a model.', completes: 'model' }],
  summary: 'Have the cluster keep a model loaded, also when a node that holds it is lost.',
  description: 'The leader plans and loads it, and loads it again where a node was lost. `shoal unload` ends it, too.',
  options: [...modelOptions, homeOption],
  examples: [['shoal keep shoal-tiny-chat', 'served by the cluster until it is dropped']],
  run: keep,
};

export const dropCommand: Command = {
  name: 'drop',
  group: 'Nodes',
  arguments: [{ name: 'WISH', description: 'What `shoal keep` printed.' }],
  summary: 'Unload a model that the cluster keeps loaded.',
  options: [homeOption],
  examples: [['shoal drop 0123456789abcdef', 'what `shoal keep` has begun']],
  run: drop,
};
