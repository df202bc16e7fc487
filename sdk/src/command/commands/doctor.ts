import { formatTable } from '@shoal/core';
import { runClusterDoctor, runDoctor } from '../../index.js';
import type { ClusterExpectations } from '../../run-cluster-doctor.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome, pluginsOption } from '../home-options.js';

async function doctor({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const findings = options.flag('cluster')
    ? await runClusterDoctor({ ...parseHome(options), ...parseExpectations(options), signal })
    : await runDoctor(parseHome(options));
  if (findings.some(({ status }) => status === 'problem')) process.exitCode = 1;
  if (terminal.isJson) {
    terminal.json(findings);
    return;
  }
  const marks = { ok: terminal.green('✓'), warning: '!', problem: terminal.red('✗') };
  const lines = formatTable(findings.map(({ area, name, message }) => [area, name, message]));
  for (const [index, finding] of findings.entries()) {
    terminal.line(`${marks[finding.status]} ${lines[index]}`);
    if (finding.remedy !== undefined) terminal.line(`    → ${finding.remedy}`);
  }
}

function parseExpectations(options: CommandInvocation['options']): ClusterExpectations {
  const nodeCount = options.number('expect');
  const model = options.text('model');
  return { ...(nodeCount === undefined ? {} : { nodeCount }), ...(model === undefined ? {} : { model }) };
}

export const doctorCommand: Command = {
  name: 'doctor',
  group: 'Look',
  arguments: [],
  summary: 'Show what this machine has, what is missing and how to get it.',
  options: [
    homeOption,
    pluginsOption,
    { name: 'cluster', description: 'Look at the cluster of the running node instead: is it ready, and what is not.' },
    {
      name: 'expect',
      value: 'N',
      description: 'With --cluster: how many nodes there should be.',
      number: { minimum: 1, integer: true },
    },
    { name: 'model', value: 'MODEL', description: 'With --cluster: a model that all should have.', completes: 'model' },
  ],
  examples: [
    ['shoal doctor', 'everything that Shoal looks at'],
    ['shoal doctor --cluster --expect 4 --model llama-3', 'whether four nodes are ready to run a model together'],
  ],
  exitCodes: [[1, 'Something must be mended.']],
  run: doctor,
};
