import { ShoalError } from '@shoal/core';
import type { Command, CommandInvocation } from '../command.js';
import { modelOptions, openCluster, parseLoadOptions, sessionOptions } from '../session.js';

async function explain({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model] = positionals;
  if (model === undefined) {
    throw new ShoalError('ARGUMENT_INVALID', 'shoal explain wants a model (see `shoal explain --help`)');
  }
  await using cluster = await openCluster(options, terminal, signal);
  const explanation = await cluster.explain(model, { ...parseLoadOptions(options), signal });
  terminal.clearProgress();
  if (options.flag('program')) terminal.line(explanation.program());
  else if (options.flag('json')) terminal.json(explanation.outcome);
  else terminal.line(explanation.text);
}

export const explainCommand: Command = {
  name: 'explain',
  arguments: 'MODEL',
  summary: 'Show who would compute what, and why, without loading anything.',
  options: [
    ...modelOptions,
    { name: 'program', description: 'Print the program of every stage with its shard states instead.' },
    ...sessionOptions,
    { name: 'json', description: 'Print the plan, or the refusal with its numbers, as JSON.' },
  ],
  examples: [
    ['shoal explain shoal-tiny-chat', 'the plan the planner chooses'],
    ['shoal explain shoal-tiny-chat --local-nodes 3 --plan tp=3 --program', 'what each stage computes'],
  ],
  run: explain,
};
