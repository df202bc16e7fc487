import { formatTable } from '@shoal/core';
import { runDoctor } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome, pluginsOption } from '../session.js';

async function doctor({ options, terminal }: CommandInvocation): Promise<void> {
  const findings = await runDoctor(parseHome(options));
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

export const doctorCommand: Command = {
  name: 'doctor',
  group: 'Look',
  arguments: [],
  summary: 'Show what this machine has, what is missing and how to get it.',
  options: [homeOption, pluginsOption],
  examples: [['shoal doctor', 'everything that Shoal looks at']],
  exitCodes: [[1, 'Something must be mended.']],
  run: doctor,
};
