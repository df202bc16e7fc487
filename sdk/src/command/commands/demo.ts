import { formatBytes, type Plan } from '@shoal/core';
import type { LoadedModel } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { ParsedOptions } from '../command.js';
import { loadModel } from '../generation.js';
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
  asJson: boolean,
): Promise<void> {
  const messages: { role: 'user' | 'assistant'; content: string }[] = [];
  for (const question of questions) {
    messages.push({ role: 'user', content: question });
    if (!asJson) terminal.write(`${terminal.bold(`> ${question}`)}\n  `);
    const generation = loaded.chat(messages, { signal });
    for await (const part of generation) {
      if (!asJson) terminal.write(part.text);
    }
    const result = await generation.result;
    if (asJson) terminal.json({ question, ...result });
    else terminal.line();
    messages.push({ role: 'assistant', content: result.text });
  }
}

async function demo({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const asJson = options.flag('json');
  const shape = options.text('plan') ?? 'pp=2';
  const nodes = options.text('local-nodes') ?? '2';
  const session = new ParsedOptions({ 'local-nodes': nodes, plan: shape });
  if (!asJson) terminal.line(`Starting ${nodes} nodes, each a process of its own, and loading ${model} over them …`);
  await using cluster = await openCluster(session, terminal, signal);
  const loaded = await loadModel(cluster, model, session, terminal, signal);
  if (asJson) terminal.json({ plan: loaded.plan });
  else {
    printPlan(terminal, loaded.plan);
    terminal.line();
  }
  for (const questions of conversations) await converse(loaded, questions, terminal, signal, asJson);
  if (asJson) return;
  terminal.line();
  terminal.line('Every answer above was computed by all of the processes together, token by token.');
  terminal.line(`Go on with   npx shoal chat ${model}   or   npx shoal --help`);
}

export const demoCommand: Command = {
  name: 'demo',
  arguments: '',
  summary: 'Two nodes on this machine answer questions together.',
  options: [
    { name: 'local-nodes', value: 'N', description: 'Node processes to start (default: 2).' },
    { name: 'plan', value: 'SHAPE', description: 'How to split (default: pp=2): pp=2, tp=2, tp=2,pp=2 …' },
    { name: 'json', description: 'Print the plan and each answer as a line of JSON.' },
  ],
  examples: [
    ['shoal demo', 'half of the layers on each node'],
    ['shoal demo --plan tp=2', 'half of every layer on each node'],
    ['shoal demo --local-nodes 4 --plan tp=2,pp=2', 'both at once'],
  ],
  run: demo,
};
