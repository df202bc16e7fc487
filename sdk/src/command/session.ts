import {
  type LoadOptions,
  type PlacementObjective,
  type PolicyName,
  parseManualStages,
  parsePlanShape,
  placementObjectives,
  placementPolicies,
  type StorageType,
  storageBlock,
} from '@shoal/core';
import { attach, type Cluster, createCluster, runningNode, startLocalNodes } from '../index.js';
import type { OptionSpecification } from './command.js';
import { clusterSection, homeOption, parseHome, pluginsOption } from './home-options.js';
import { logPrinter } from './log-output.js';
import type { ParsedOptions } from './options.js';
import type { Terminal } from './terminal.js';

/** Options of every command that works in a cluster. */
export const sessionOptions: readonly OptionSpecification[] = [
  {
    name: 'local-nodes',
    value: 'N',
    number: { minimum: 1, maximum: 64, integer: true },
    description: 'Start N node processes on this machine for this run.',
    suggestions: ['1', '2', '3', '4'],
    section: clusterSection,
  },
  homeOption,
  pluginsOption,
  {
    name: 'peer',
    value: 'ADDRESS',
    multiple: true,
    description: 'Address of a node to join: an IP address, host:port, or a multiaddress.',
    section: clusterSection,
  },
];

const modelSection = 'Model';

export const storageTypes = Object.keys(storageBlock) as readonly StorageType[];

/** Options of every command that plans or loads a model. */
export const modelOptions: readonly OptionSpecification[] = [
  {
    name: 'plan',
    value: 'SHAPE',
    description: 'Force a shape: pp=N stages, tp=N members a stage, or both, as tp=2,pp=2.',
    default: 'the planner decides',
    suggestions: ['pp=1', 'pp=2', 'pp=3', 'pp=4', 'tp=2', 'tp=3', 'tp=4', 'tp=2,pp=2'],
    check: parsePlanShape,
    section: modelSection,
  },
  {
    name: 'policy',
    value: 'NAME',
    description: 'How devices are chosen (see docs/placement.md).',
    default: 'fastest',
    choices: placementPolicies,
    section: modelSection,
  },
  {
    name: 'objective',
    value: 'NAME',
    description: 'What the policy fastest goes for: one answer, all of them together, or memory.',
    default: 'latency',
    choices: placementObjectives,
    section: modelSection,
  },
  {
    name: 'manual',
    value: 'STAGES',
    description:
      'Who takes what, stage by stage: anna=0-11,ben=12-23; with + between members, /cuda0 a device, *2 a share.',
    check: parseManualStages,
    section: modelSection,
  },
  {
    name: 'context',
    value: 'N',
    number: { minimum: 16, integer: true },
    description: 'Longest conversation in tokens.',
    default: '4096, or what the model allows',
    section: modelSection,
  },
  {
    name: 'slots',
    value: 'N',
    number: { minimum: 1, maximum: 4096, integer: true },
    description: 'Conversations that are served at once.',
    default: '4',
    section: modelSection,
  },
  {
    name: 'queue-capacity',
    value: 'N',
    number: { minimum: 0, maximum: 1_000_000, integer: true },
    description: 'Answers that may wait for a free slot; one more is refused at once.',
    default: '256',
    section: modelSection,
  },
  {
    name: 'storage',
    value: 'TYPE',
    description: 'Keep matrices and embeddings in this type.',
    default: 'as stored',
    choices: storageTypes,
    section: modelSection,
  },
  {
    name: 'state-storage',
    value: 'TYPE',
    description: 'Keep the state of conversations (keys and values) in this type.',
    default: 'f16',
    choices: ['f16', 'f32'],
    section: modelSection,
  },
];

/** What `modelOptions` say, as the SDK takes it. */
export function parseLoadOptions(options: ParsedOptions): LoadOptions {
  const plan = options.text('plan');
  const policy = options.text('policy') as PolicyName | undefined;
  const objective = options.text('objective') as PlacementObjective | undefined;
  const manual = options.text('manual');
  const contextLength = options.number('context');
  const slotCount = options.number('slots');
  const queueCapacity = options.number('queue-capacity');
  const storage = options.text('storage') as StorageType | undefined;
  const stateStorage = options.text('state-storage') as 'f16' | 'f32' | undefined;
  return {
    ...(plan === undefined ? {} : { plan }),
    ...(policy === undefined ? {} : { policy }),
    ...(objective === undefined ? {} : { objective }),
    ...(manual === undefined ? {} : { manual: parseManualStages(manual) }),
    ...(contextLength === undefined ? {} : { contextLength }),
    ...(slotCount === undefined ? {} : { slotCount }),
    ...(queueCapacity === undefined ? {} : { queueCapacity }),
    ...(storage === undefined ? {} : { storage: { matrix: storage, embedding: storage } }),
    ...(stateStorage === undefined ? {} : { stateStorage }),
  };
}

/**
 * The cluster a command works in: processes started for this run, else the node that already runs in SHOAL_HOME, else
 * a node inside this process.
 */
export async function openCluster(options: ParsedOptions, terminal: Terminal, signal: AbortSignal): Promise<Cluster> {
  const common = parseHome(options);
  const peers = options.list('peer');
  const count = options.number('local-nodes');
  if (count !== undefined) {
    return startLocalNodes(count, {
      ...common,
      signal,
      onNodeStarted: (started: number) => terminal.progress('starting nodes', started / count),
    });
  }
  if (peers.length === 0 && (await runningNode(common))) return attach({ ...common, signal });
  return createCluster({ ...common, peers, onLog: logPrinter(options, terminal), signal });
}
