import { formatTable } from '@shoal/core';
import { runDoctor } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';

async function doctor({ options, terminal }: CommandInvocation): Promise<void> {
  const home = options.text('home');
  const pluginManifest = options.text('plugins');
  const findings = await runDoctor({
    ...(home === undefined ? {} : { home }),
    ...(pluginManifest === undefined ? {} : { pluginManifest }),
  });
  if (findings.some(({ status }) => status === 'problem')) process.exitCode = 1;
  if (options.flag('json')) {
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

export const doctorCommand: Command = {
  name: 'doctor',
  arguments: '',
  summary: 'Show what this machine has, what is missing and how to get it.',
  options: [
    { name: 'home', value: 'DIR', description: 'SHOAL_HOME to look at.' },
    { name: 'plugins', value: 'FILE', description: 'Plugin list to use instead of the shipped plugins.json.' },
    { name: 'json', description: 'Print the findings as JSON.' },
  ],
  examples: [['shoal doctor', 'exit code 1 when something must be mended']],
  run: doctor,
};
