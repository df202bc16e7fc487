import { resolve } from 'node:path';
import { type InstanceSummary, type LoadOptions, ShoalError } from '@shoal/core';
import { attach } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';
import { modelOptions, parseLoadOptions } from '../session.js';

const sequences = ['as-memory-allows', 'load-first', 'unload-first'] as const;

/**
 * The instance that a person means, by its id or by the name or folder of its model. Throws INSTANCE_NOT_FOUND,
 * ARGUMENT_INVALID where several are meant.
 */
export function servingInstance(all: readonly InstanceSummary[], wanted: string): InstanceSummary {
  const serving = all.filter(({ state }) => state === 'ready');
  const named =
    serving.find(({ instance }) => instance === wanted) ??
    serving.find(({ replaces = [] }) => replaces.includes(wanted));
  if (named) return named;
  const found = serving.filter(
    ({ model, plan }) => [plan.modelName, model].includes(wanted) || model === resolve(wanted),
  );
  const [one] = found;
  if (one && found.length === 1) return one;
  if (one) {
    const ids = found.map(({ instance }) => instance).join(', ');
    throw new ShoalError('ARGUMENT_INVALID', `${wanted} is loaded ${found.length} times; say which: ${ids}`, {
      details: { argument: 'MODEL', value: wanted },
    });
  }
  const loaded = serving.map(({ instance, plan }) => `${plan.modelName} (${instance})`).join(', ') || 'none';
  throw new ShoalError('INSTANCE_NOT_FOUND', `no model ${wanted} serves in this cluster (serving: ${loaded})`, {
    details: { model: wanted },
  });
}

/** What it was loaded with, but for what is given; undefined: as it was. A new shape ends the old one, however it was said. */
export function optionsAfter(before: LoadOptions = {}, given: LoadOptions = {}): LoadOptions | undefined {
  if (Object.keys(given).length === 0) return undefined;
  const isShape = given.plan !== undefined || given.policy !== undefined || given.manual !== undefined;
  if (!isShape) return { ...before, ...given };
  const { plan: _plan, policy: _policy, manual: _manual, ...rest } = before;
  return { ...rest, ...given };
}

async function move({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [wanted = ''] = positionals;
  await using cluster = await attach({ ...parseHome(options), signal });
  const old = servingInstance(await cluster.instances(), wanted);
  const { modelName } = old.plan;
  const after = optionsAfter(old.options, parseLoadOptions(options));
  const deadline = options.number('deadline');
  const sequence = sequences.find((one) => one === options.text('sequence'));
  terminal.progress(`moving ${modelName}`, 0);
  const { instance: next, endedRequests } = await cluster.nodeService.move(
    old.instance,
    {
      reason: options.text('reason') ?? 'an operator asked for it',
      without: options.list('away-from'),
      ...(after === undefined ? {} : { options: after }),
      ...(deadline === undefined ? {} : { drainDeadlineMilliseconds: deadline * 1000 }),
      ...(sequence === undefined ? {} : { sequence }),
    },
    signal,
  );
  const members = next.plan.stages.flatMap((stage) => stage.members.map(({ nodeName }) => nodeName));
  const nodes = [...new Set(members)];
  if (terminal.isJson) {
    terminal.json({ model: modelName, instance: next.instance, replaces: old.instance, nodes, endedRequests });
    return;
  }
  terminal.line(`${modelName} is served by ${nodes.join(', ')} now, as ${next.instance}`);
  if (endedRequests > 0) terminal.note(`${endedRequests} requests outlasted the deadline and were ended`);
}

export const moveCommand: Command = {
  name: 'move',
  group: 'Nodes',
  arguments: [
    {
      name: 'MODEL',
      description: 'Name or folder of a model that serves, or its instance; `shoal ps` lists them.',
      completes: 'model',
    },
  ],
  summary: 'Plan a loaded model anew and move it there, between requests.',
  description:
    'It is loaded under the new plan, its requests go there, and the old one is unloaded when those that run have ended. ' +
    'The old instance goes on being understood. What is not given stays as it was loaded.',
  options: [
    {
      name: 'away-from',
      value: 'NODE',
      multiple: true,
      description: 'A node that is to have no part in it, by name or id; may be repeated.',
    },
    { name: 'reason', value: 'TEXT', description: 'Shown to others: why.', default: 'an operator asked for it' },
    {
      name: 'deadline',
      value: 'SECONDS',
      number: { minimum: 0 },
      description: 'How long requests that run may take; then they are ended.',
      default: '600',
    },
    {
      name: 'sequence',
      value: 'ORDER',
      description: 'Whether the new one is loaded before the old one is unloaded; that needs memory for both.',
      default: 'as-memory-allows',
      choices: sequences,
    },
    ...modelOptions,
    homeOption,
  ],
  examples: [
    ['shoal move shoal-tiny-chat --away-from den', 'the machine den is wanted for something else'],
    ['shoal move shoal-tiny-chat --plan pp=2', 'split over two devices'],
  ],
  run: move,
};
