import { formatTable } from '@shoal/core/client';
import { attach } from '../../client.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function ps({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const found = await cluster.instances();
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  const rows = found.map(({ instance, state, plan, failure }) => {
    const members = plan.stages.flatMap((stage) => stage.members.map(({ nodeName }) => nodeName));
    return [instance, plan.modelName, state, failure?.message ?? [...new Set(members)].join(', ')];
  });
  for (const line of formatTable([['instance', 'model', 'state', 'nodes, or what is wrong'], ...rows])) {
    terminal.line(line);
  }
}

export const psCommand: Command = {
  name: 'ps',
  group: 'Nodes',
  arguments: [],
  summary: 'List the models that are loaded, here or anywhere in the cluster.',
  options: [homeOption],
  examples: [['shoal ps', 'as the node in SHOAL_HOME knows them']],
  run: ps,
};
