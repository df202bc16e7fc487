import { formatBytes, type Plan, parsePlanShape } from '@shoal/core';
import type { LoadedModel } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { loadModel } from '../generation.js';
import { ParsedOptions } from '../options.js';
import { openCluster } from '../session.js';
import type { Terminal } from '../terminal.js';

const model = 'shoal-tiny-chat';

/** Conversations: each is a list of questions of one context. */
const conversations: readonly (readonly string[])[] = [
  ['What is 12 plus 30?', 'and minus 3?'],
  ['What is the capital of France?', 'And of Japan?'],
  ['What day comes after Monday?'],
  ['Spell cat.'],
];

function printPlan(terminal: Terminal, plan: Plan): void {
  for (const [index, stage] of plan.stages.entries()) {
    const [from, to] = stage.layers;
    for (const member of stage.members) {
      const share = stage.members.length > 1 ? `, ${Math.round(member.share * 100)} % of each` : '';
      const held = formatBytes(member.weightBytes);
      terminal.line(`  stage ${index}  ${member.nodeName}: layers ${from} to ${to - 1}${share} (${held} of weights)`);
    }
  }
}

async function converse(
  loaded: LoadedModel,
  questions: readonly string[],
  terminal: Terminal,
  signal: AbortSignal,
): Promise<void> {
  const messages: { role: 'user' | 'assistant'; content: string }[] = [];
  for (const question of questions) {
    messages.push({ role: 'user', content: question });
    if (!terminal.isJson) terminal.write(`${terminal.bold(`> ${question}`)}\n  `);
    const generation = loaded.chat(messages, { signal });
    for await (const part of generation) {
      if (!terminal.isJson) terminal.write(part.text);
    }
    const result = await generation.result;
    if (terminal.isJson) terminal.json({ question, ...result });
    else terminal.line();
    messages.push({ role: 'assistant', content: result.text });
  }
}

async function demo({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const shape = options.text('plan') ?? 'pp=2';
  const nodes = options.text('local-nodes') ?? '2';
  const session = new ParsedOptions({ 'local-nodes': nodes, plan: shape });
  if (!terminal.isJson)
    terminal.line(`Starting ${nodes} nodes, each a process of its own, and loading ${model} over them …`);
  await using cluster = await openCluster(session, terminal, signal);
  const loaded = await loadModel(cluster, model, session, terminal, signal);
  if (terminal.isJson) terminal.json({ plan: loaded.plan });
  else {
    printPlan(terminal, loaded.plan);
    terminal.line();
  }
  for (const questions of conversations) await converse(loaded, questions, terminal, signal);
  if (terminal.isJson) return;
  terminal.line();
  terminal.line('Every answer above was computed by all of the processes together, token by token.');
  terminal.line(`Go on with   npx shoal chat ${model}   or   npx shoal --help`);
}

export const demoCommand: Command = {
  name: 'demo',
  group: 'Ask a model',
  arguments: [],
  summary: 'Two nodes on this machine answer questions together.',
  options: [
    {
      name: 'local-nodes',
      value: 'N',
      description: 'Node processes to start.',
      default: '2',
      suggestions: ['2', '3', '4'],
      number: { minimum: 1, maximum: 64, integer: true },
    },
    {
      name: 'plan',
      value: 'SHAPE',
      description: 'How to split the model.',
      default: 'pp=2',
      suggestions: ['pp=2', 'tp=2', 'tp=2,pp=2'],
      check: parsePlanShape,
    },
  ],
  examples: [
    ['shoal demo', 'half of the layers on each node'],
    ['shoal demo --plan tp=2', 'half of every layer on each node'],
    ['shoal demo --local-nodes 4 --plan tp=2,pp=2', 'both at once'],
  ],
  run: demo,
};
