import { type LogLevel, logLevels } from '@shoal/core';
import { attach } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';
import { formatLogRecord, parseSince } from '../log-output.js';

async function logs({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const level = options.text('level') as LogLevel | undefined;
  const since = options.text('since');
  const node = options.text('node');
  const records = cluster.logs({
    follow: options.flag('follow'),
    ...(level === undefined ? {} : { level }),
    ...(since === undefined ? {} : { since: parseSince(since) }),
    ...(node === undefined ? {} : { node }),
    signal,
  });
  for await (const record of records) {
    if (terminal.isJson) terminal.json(record);
    else terminal.line(formatLogRecord(record, terminal));
  }
}

export const logsCommand: Command = {
  name: 'logs',
  group: 'Nodes',
  arguments: [],
  summary: 'Show what a running node has written down, its workers included.',
  description:
    'A node keeps its last 2000 records; keys, prompts and answers are never among them. With --json every record is a ' +
    'line of JSON.',
  options: [
    { name: 'level', value: 'LEVEL', description: 'The lowest level to show.', default: 'info', choices: logLevels },
    { name: 'follow', short: 'f', description: 'Go on with what comes, until interrupted.' },
    {
      name: 'since',
      value: 'TIME',
      description: 'Only what is younger: 30s, 10m, 2h, 1d, or a date.',
      suggestions: ['1m', '10m', '1h', '1d'],
      check: parseSince,
    },
    { name: 'node', value: 'NAME', description: 'Another node of the cluster.', default: 'the node in SHOAL_HOME' },
    homeOption,
  ],
  examples: [
    ['shoal logs', 'what the node in SHOAL_HOME has to say'],
    ['shoal logs --level warn --since 10m', 'what went wrong lately'],
    ['shoal logs --follow --node kitchen --json', 'another node, for programs, as it happens'],
  ],
  run: logs,
};
