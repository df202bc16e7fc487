import type { LoadOptions } from '@shoal/core';
import { attach, type Cluster, createCluster, runningNode, startLocalNodes } from '../index.js';
import type { OptionSpecification, ParsedOptions } from './command.js';
import { parseStorage } from './storage.js';
import type { Terminal } from './terminal.js';

/** Options of every command that loads a model. */
export const sessionOptions: readonly OptionSpecification[] = [
  { name: 'local-nodes', value: 'N', description: 'Start N node processes on this machine for this run.' },
  { name: 'home', value: 'DIR', description: 'Folder of identity, keys and the running node (default: SHOAL_HOME).' },
  { name: 'plugins', value: 'FILE', description: 'Plugin list to use instead of the shipped plugins.json.' },
  { name: 'peer', value: 'ADDRESS', multiple: true, description: 'Multiaddress of a node to join; may be repeated.' },
];

export const modelOptions: readonly OptionSpecification[] = [
  { name: 'plan', value: 'SHAPE', description: 'Force a shape: pp=2, tp=3, tp=2,pp=2. Default: the planner decides.' },
  {
    name: 'context',
    value: 'N',
    description: 'Longest conversation in tokens (default: 4096, or what the model allows).',
  },
  {
    name: 'storage',
    value: 'TYPE',
    description: 'Keep matrices as f32, f16, bf16, q8_0 or q4_0 (default: as stored).',
  },
];

/** What `modelOptions` say, as the SDK takes it. */
export function parseLoadOptions(options: ParsedOptions): LoadOptions {
  const plan = options.text('plan');
  const contextLength = options.number('context', { minimum: 16, integer: true });
  const storage = parseStorage(options.text('storage'));
  return {
    ...(plan === undefined ? {} : { plan }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(storage === undefined ? {} : { storage }),
  };
}

/**
 * The cluster a command works in: processes started for this run, else the node that already runs in SHOAL_HOME, else
 * a node inside this process.
 */
export async function openCluster(options: ParsedOptions, terminal: Terminal, signal: AbortSignal): Promise<Cluster> {
  const home = options.text('home');
  const pluginManifest = options.text('plugins');
  const peers = options.list('peer');
  const common = {
    ...(home === undefined ? {} : { home }),
    ...(pluginManifest === undefined ? {} : { pluginManifest }),
  };
  const count = options.number('local-nodes', { minimum: 1, maximum: 64, integer: true });
  if (count !== undefined) {
    return startLocalNodes(count, {
      ...common,
      signal,
      onNodeStarted: (started: number) => terminal.progress('starting nodes', started / count),
    });
  }
  if (peers.length === 0 && (await runningNode(common))) return attach({ ...common, signal });
  return createCluster({ ...common, peers, signal });
}
