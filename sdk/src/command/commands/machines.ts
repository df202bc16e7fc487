import { formatBytes, knownValue, type MachineFacts, type Measured } from '@shoal/core';
import { describeConditions } from '../../doctor/conditions.js';
import { attach, type MachineReport } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome } from '../home-options.js';
import { deviceLines } from './devices.js';

async function machines({ options, terminal, signal }: CommandInvocation): Promise<void> {
  await using cluster = await attach({ ...parseHome(options), signal });
  const found = await cluster.machines({ signal });
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  for (const [index, report] of found.entries()) {
    if (index > 0) terminal.line();
    for (const line of machineLines(report)) terminal.line(line);
  }
}

/** Exported for its tests. */
export function machineLines({ nodeName, silent, machine, conditions, derating, devices }: MachineReport): string[] {
  if (silent !== undefined) return [`${nodeName}: ${silent}`];
  const share = derating === undefined ? '' : ` (plans count on ${Math.round(derating.factor * 100)} % of its speed)`;
  return [
    `${nodeName}${share}`,
    ...(machine === undefined ? [] : hardwareLines(machine)),
    ...(conditions === undefined ? [] : [`  condition  ${describeConditions(conditions)}`]),
    ...deviceLines(devices).map((line) => `  ${line}`),
  ];
}

function hardwareLines({ processor, memory }: MachineFacts): string[] {
  const name = knownValue(processor.name) ?? 'a processor without a name';
  const cores = knownValue(processor.usableCores);
  const limit = processor.usableCoresLimit === undefined ? '' : ` (${processor.usableCoresLimit})`;
  const [tightest] = memory.limits;
  const bound = tightest === undefined ? '' : ` (${tightest.name})`;
  return [
    `  processor  ${name}; ${cores ?? 'an unknown number of'} cores to use${limit}`,
    `  memory     ${bytesOf(memory.processAvailableBytes)} of ${bytesOf(memory.processTotalBytes)} to use${bound}`,
  ];
}

function bytesOf(measured: Measured): string {
  return 'unknown' in measured ? `an unknown amount (${measured.unknown})` : formatBytes(measured.value);
}

export const machinesCommand: Command = {
  name: 'machines',
  group: 'Nodes',
  arguments: [],
  summary: 'Show the machines of the cluster: processor, memory, heat, battery, load, and how fast their devices are.',
  options: [homeOption],
  examples: [
    ['shoal machines', 'what every node says of its machine'],
    ['shoal machines --json', 'the same for programs'],
  ],
  run: machines,
};
