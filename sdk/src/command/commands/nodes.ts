import { formatTable } from '@shoal/core';
import { attach } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../session.js';

async function nodes({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const found = await cluster.nodes();
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  const rows = found.map(({ nodeName, state, softwareVersion, addresses, message }) => [
    nodeName,
    state,
    softwareVersion,
    message ?? addresses[0] ?? '',
  ]);
  for (const line of formatTable([['name', 'state', 'version', 'address, or what is wrong'], ...rows])) {
    terminal.line(line);
  }
}

export const nodesCommand: Command = {
  name: 'nodes',
  group: 'Nodes',
  arguments: [],
  summary: 'List the nodes of the cluster, as the running node sees them.',
  options: [homeOption],
  examples: [['shoal nodes', 'the node in SHOAL_HOME, its peers, and who was refused']],
  run: nodes,
};
