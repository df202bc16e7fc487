import type { Command, CommandInvocation } from '../command.js';
import { modelArgument } from '../generation.js';
import { modelOptions, openCluster, parseLoadOptions, sessionOptions } from '../session.js';

async function explain({ positionals, options, terminal, signal }: CommandInvocation): Promise<void> {
  const [model = ''] = positionals;
  await using cluster = await openCluster(options, terminal, signal);
  const without = options.list('without');
  const added = options.list('with').map((like) => ({ like }));
  const whatIf = { ...(without.length === 0 ? {} : { without }), ...(added.length === 0 ? {} : { added }) };
  const explanation = await cluster.explain(model, { ...parseLoadOptions(options), ...whatIf, signal });
  terminal.clearProgress();
  const { outcome, numbers } = explanation;
  const programs = options.flag('program') ? { program: explanation.program() } : {};
  if (terminal.isJson) terminal.json({ ...outcome, ...numbers, ...programs });
  else if (options.flag('program')) terminal.line(explanation.program());
  else terminal.line(explanation.text);
}

const whatIfSection = 'What if';

export const explainCommand: Command = {
  name: 'explain',
  group: 'Look',
  arguments: [modelArgument],
  summary: 'Show who would compute what, and why, without loading anything.',
  options: [
    ...modelOptions,
    { name: 'without', value: 'NODE', multiple: true, description: 'Take a node to be gone.', section: whatIfSection },
    {
      name: 'with',
      value: 'NODE',
      multiple: true,
      description: 'Take one more node to be there, like this one and with nothing loaded.',
      section: whatIfSection,
    },
    { name: 'program', description: 'Print the program of every stage with its shard states instead.' },
    ...sessionOptions,
  ],
  examples: [
    ['shoal explain shoal-tiny-chat', 'the plan the planner chooses'],
    ['shoal explain shoal-tiny-chat --without anna', 'the plan that would be chosen if anna were gone'],
    ['shoal explain shoal-tiny-chat --local-nodes 3 --plan tp=3 --program', 'what each stage computes'],
  ],
  run: explain,
};
