/** Commands that operate a node: cordon, uncordon, drain, pause, resume, rename, leave. */
import type { NodeOperationOutcome } from '@shoal/core';
import { attach, type Cluster } from '../../client.js';
import type { Command, CommandInvocation, OptionSpecification } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';
import type { ParsedOptions } from '../options.js';

const reasonOption: OptionSpecification = {
  name: 'reason',
  value: 'TEXT',
  description: 'Shown to others: why.',
  default: 'an operator asked for it',
};

const deadlineOption: OptionSpecification = {
  name: 'deadline',
  value: 'SECONDS',
  number: { minimum: 0 },
  description: 'How long instances may take to move away.',
  default: '600',
};

const nodeArgument = {
  name: 'NODE',
  description: 'Name or id of a node, as `shoal nodes` lists them; the node in SHOAL_HOME unless given.',
  optional: true,
};

type Run = (cluster: Cluster, target: string, invocation: CommandInvocation) => Promise<string>;

/** Runs it in the node that runs here; prints what became of it. */
function operating(kind: NodeOperationOutcome['kind'], run: Run): Command['run'] {
  return async (invocation) => {
    const { positionals, options, terminal, signal } = invocation;
    await using cluster = await attach({ ...parseHome(options), signal });
    const target = positionals[0] ?? cluster.nodeId;
    const said = await run(cluster, target, invocation);
    if (terminal.isJson) terminal.json({ kind, target });
    else terminal.line(said);
  };
}

function detailsOf(options: ParsedOptions): { reason?: string; deadlineMilliseconds?: number } {
  const reason = options.text('reason');
  const deadline = options.number('deadline');
  return {
    ...(reason === undefined ? {} : { reason }),
    ...(deadline === undefined ? {} : { deadlineMilliseconds: deadline * 1000 }),
  };
}

export const cordonCommand: Command = {
  name: 'cordon',
  group: 'Nodes',
  arguments: [nodeArgument],
  summary: 'Have a node take no new shares of models.',
  description: 'What it serves goes on. It holds though the node restarts, until `shoal uncordon`.',
  options: [reasonOption, homeOption],
  examples: [['shoal cordon den --reason "a new fan"', 'nothing new is loaded on the node den']],
  run: operating('cordon', async (cluster, target, { options, signal }) => {
    await cluster.cordon(target, { ...detailsOf(options), signal });
    return `${target} takes no new shares`;
  }),
};

export const uncordonCommand: Command = {
  name: 'uncordon',
  group: 'Nodes',
  arguments: [nodeArgument],
  summary: 'Have a node take shares again that was cordoned or drained.',
  options: [homeOption],
  examples: [['shoal uncordon den', 'the node den takes part again']],
  run: operating('uncordon', async (cluster, target, { signal }) => {
    await cluster.uncordon(target, { signal });
    return `${target} takes shares again`;
  }),
};

export const drainCommand: Command = {
  name: 'drain',
  group: 'Nodes',
  arguments: [nodeArgument],
  summary: 'Move everything off a node, between requests, and wait until it is idle.',
  description: 'Requests that run are finished first. The node takes nothing new until `shoal uncordon`.',
  options: [reasonOption, deadlineOption, homeOption],
  examples: [['shoal drain den', 'before the machine is switched off']],
  run: operating('drain', async (cluster, target, { options, terminal, signal }) => {
    terminal.progress(`draining ${target}`, 0);
    await cluster.drain(target, { ...detailsOf(options), signal });
    return `${target} is idle and takes nothing new`;
  }),
};

export const pauseCommand: Command = {
  name: 'pause',
  group: 'Nodes',
  arguments: [
    {
      name: 'TARGET',
      description: 'A node, or an instance that `shoal ps` lists; this node unless given.',
      optional: true,
    },
  ],
  summary: 'Have a node, or an instance, take no new requests; nothing is unloaded.',
  options: [reasonOption, homeOption],
  examples: [
    ['shoal pause den', 'while the machine is needed for something else'],
    ['shoal pause 0123456789abcdef', 'one instance'],
  ],
  run: operating('pause', async (cluster, target, { options, signal }) => {
    await cluster.pause(target, { ...detailsOf(options), signal });
    return `${target} takes no new requests`;
  }),
};

export const resumeCommand: Command = {
  name: 'resume',
  group: 'Nodes',
  arguments: [
    {
      name: 'TARGET',
      description: 'A node, or an instance that `shoal ps` lists; this node unless given.',
      optional: true,
    },
  ],
  summary: 'Have a node, or an instance, take requests again that was paused.',
  options: [homeOption],
  examples: [['shoal resume den', 'the node den serves again']],
  run: operating('resume', async (cluster, target, { signal }) => {
    await cluster.resume(target, { signal });
    return `${target} takes requests again`;
  }),
};

export const renameCommand: Command = {
  name: 'rename',
  group: 'Nodes',
  arguments: [
    { name: 'NODE', description: 'Name or id of a node, as `shoal nodes` lists them.' },
    { name: 'NAME', description: 'Its new name.' },
  ],
  summary: 'Give a node another name.',
  description: 'It keeps the name when it restarts, unless it is started with --name.',
  options: [homeOption],
  examples: [['shoal rename vm-1234 den', 'the node vm-1234 is called den from now on']],
  run: operating('rename', async (cluster, target, { positionals, signal }) => {
    const name = positionals[1] ?? '';
    await cluster.rename(target, name, { signal });
    return `${target} is called ${name}`;
  }),
};

export const leaveCommand: Command = {
  name: 'leave',
  group: 'Nodes',
  arguments: [nodeArgument],
  summary: 'Have a node leave the cluster and end.',
  description: 'It is drained first, so that nothing that it has a part in is lost.',
  options: [
    { name: 'now', description: 'Do not drain it: what it has a part in fails.' },
    reasonOption,
    deadlineOption,
    homeOption,
  ],
  examples: [['shoal leave den', 'before the machine goes elsewhere']],
  run: operating('leave', async (cluster, target, { options, signal }) => {
    await cluster.leave(target, { ...detailsOf(options), now: options.flag('now'), signal });
    return `${target} leaves`;
  }),
};
