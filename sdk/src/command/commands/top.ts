import { setTimeout as sleep } from 'node:timers/promises';
import { errorFromCode, ShoalError } from '@shoal/core/client';
import { startBackgroundNode } from '../../background-node.js';
import { attach, type Cluster, runningNode } from '../../client.js';
import { type DashboardFormat, type DashboardModule, loadDashboard } from '../../dashboard.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome, pluginsOption } from '../home-options.js';
import { ParsedOptions } from '../options.js';
import type { Terminal } from '../terminal.js';

const screens = ['topology', 'requests', 'node', 'chat', 'models', 'events', 'plan'] as const;
const joinMilliseconds = 10_000;

/** Whether there is a terminal that the dashboard can be drawn on, and a person at it. */
export function canShowDashboard({ output, isJson }: Terminal, environment: NodeJS.ProcessEnv = process.env): boolean {
  if (isJson || environment.TERM === 'dumb' || environment.TERM === '') return false;
  return 'isTTY' in output && output.isTTY === true && process.stdin.isTTY === true;
}

function formatOf(terminal: Terminal): DashboardFormat {
  if (terminal.isJson) return 'json';
  return canShowDashboard(terminal) ? 'screen' : 'lines';
}

async function top({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const peers = options.list('node');
  const home = parseHome(options);
  const connect = peers.length === 0 ? connectHere(home) : connectTo(peers, home);
  const dashboard = await loadDashboard();
  // What is wrong from the beginning is said before the screen is taken.
  if (peers.length === 0 && !(await runningNode(home))) await attach({ ...home, signal });
  await show(dashboard, connect, peers.length > 0, options, terminal, signal);
}

/** `shoal` alone: the node of this machine, which is started where none runs and goes on when the dashboard is left. */
export async function showThisMachine(terminal: Terminal, signal: AbortSignal): Promise<void> {
  const dashboard = await loadDashboard();
  if (!(await runningNode())) {
    terminal.note('No node runs here: starting one, which goes on when the dashboard is left (`shoal leave` ends it).');
    await startBackgroundNode({ signal });
  }
  await show(dashboard, connectHere({}), false, new ParsedOptions({}), terminal, signal);
}

async function show(
  dashboard: DashboardModule,
  connect: (signal: AbortSignal) => Promise<Cluster>,
  needsPeers: boolean,
  options: ParsedOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const screen = options.text('screen');
  const count = options.number('count');
  await dashboard.runDashboard({
    connect,
    needsPeers,
    format: formatOf(terminal),
    intervalMilliseconds: Math.round((options.number('interval') ?? 1) * 1000),
    ...(screen === undefined ? {} : { screen }),
    ...(count === undefined ? {} : { count }),
    colours: terminal.colours,
    signal,
  });
}

function connectHere(home: { readonly home?: string }): (signal: AbortSignal) => Promise<Cluster> {
  return (signal) => attach({ ...home, signal });
}

/** Joins as a node that only asks. */
function connectTo(
  peers: readonly string[],
  home: { readonly home?: string; readonly pluginManifest?: string },
): (signal: AbortSignal) => Promise<Cluster> {
  return async (signal) => {
    // What a node is made of, loaded where this program is one.
    const { createCluster } = await import('../../create-cluster.js');
    const cluster = await createCluster({ ...home, name: 'dashboard', devices: false, listen: [], peers, signal });
    try {
      await joined(cluster, peers, signal);
      return cluster;
    } catch (thrown) {
      await cluster.close();
      throw thrown;
    }
  };
}

async function joined(cluster: Cluster, peers: readonly string[], signal: AbortSignal): Promise<void> {
  const end = performance.now() + joinMilliseconds;
  for (;;) {
    const nodes = await cluster.nodes();
    if (nodes.some(({ state }) => state === 'connected')) return;
    // Trying on would change nothing: the key is another one, or the version.
    const refused = nodes.find(({ state }) => state === 'refused');
    if (refused?.code !== undefined) throw errorFromCode(refused.code, refused.message ?? 'it was refused');
    if (performance.now() > end) {
      const why = nodes.find(({ message }) => message !== undefined)?.message ?? 'it does not answer';
      throw new ShoalError('NODE_UNREACHABLE', `no node was met at ${peers.join(', ')}: ${why}`, {
        details: { peers },
      });
    }
    await sleep(50, undefined, { signal });
  }
}

export const topCommand: Command = {
  name: 'top',
  group: 'Look',
  arguments: [],
  summary: 'Watch the cluster: a dashboard in the terminal.',
  description:
    'Seven screens: topology, requests, node, chat, models, events, plan; ? shows the keys. Leaving it never stops what ' +
    'is served. Without a terminal it prints lines, with --json a line of JSON for each screen at each look.',
  options: [
    {
      name: 'node',
      value: 'ADDRESS',
      multiple: true,
      description: "Watch through the node at this address, with the key of this home's cluster.",
      default: 'the node that runs in the home',
    },
    {
      name: 'interval',
      value: 'SECONDS',
      number: { minimum: 0.25, maximum: 60 },
      description: 'How often to look.',
      default: '1',
    },
    {
      name: 'screen',
      value: 'NAME',
      choices: screens,
      description: 'Begin with this screen; without a terminal, print it alone.',
      default: 'topology; all without a terminal',
    },
    {
      name: 'count',
      value: 'N',
      number: { minimum: 1, integer: true },
      description: 'Without a terminal: end after so many looks.',
    },
    homeOption,
    pluginsOption,
  ],
  examples: [
    ['shoal top', 'the cluster of the node that runs here'],
    ['shoal top --node 192.168.1.20:7450', 'a cluster whose key this home has, through one of its nodes'],
    ['shoal top --json --count 1', 'all figures once, for programs'],
  ],
  run: top,
};
