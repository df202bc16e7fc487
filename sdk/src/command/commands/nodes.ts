import type { NodeSummary } from '@shoal/core';
import { formatTable } from '@shoal/core/client';
import { attach } from '../../client.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';

async function nodes({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const found = await cluster.nodes();
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  const rows = found.map((node) => [
    node.nodeName,
    node.state,
    roleOf(node),
    standingOf(node),
    node.softwareVersion,
    node.message ?? node.addresses[0] ?? '',
  ]);
  const titles = ['name', 'state', 'role', 'takes', 'version', 'address, or what is wrong'];
  for (const line of formatTable([titles, ...rows])) terminal.line(line);
}

/** Leader or not, and its seniority where it stands. */
function roleOf({ isLeader, seniority }: NodeSummary): string {
  if (seniority === undefined) return '';
  const role = isLeader ? 'leader' : 'member';
  return seniority < 0 ? role : `${role} (seniority ${seniority})`;
}

/** What an operator ordered. */
function standingOf({ state, cordoned, draining, paused }: NodeSummary): string {
  if (state === 'unreachable' || state === 'refused') return '';
  const left = draining?.remainingInstances;
  const shares = draining ? (left ? `draining, ${left} left` : 'drained') : cordoned === undefined ? '' : 'cordoned';
  return [shares, paused === undefined ? '' : 'paused'].filter(Boolean).join(', ') || 'all';
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
