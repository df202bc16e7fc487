import {
  formatBytes,
  formatTable,
  isStorageType,
  type Measured,
  ShoalError,
  type StorageType,
  storageTypes,
} from '@shoal/core';
import { commonStorageTypes, type DeviceReport, measureDevices } from '../../index.js';
import type { Command, CommandInvocation } from '../command.js';
import { homeOption, parseHome, pluginsOption } from '../home-options.js';

async function devices({ options, terminal, signal }: CommandInvocation): Promise<void> {
  const isMeasured = options.flag('measure');
  const wanted = parseStorageTypes(options.text('storage'));
  if (isMeasured) terminal.note('measuring; takes about a second for each storage type');
  const found = await measureDevices({
    ...parseHome(options),
    storageTypes: isMeasured ? wanted : [],
    again: isMeasured,
    signal,
  });
  if (terminal.isJson) {
    terminal.json(found);
    return;
  }
  for (const line of deviceLines(found)) terminal.line(line);
}

function parseStorageTypes(text: string | undefined): readonly StorageType[] {
  if (text === undefined) return commonStorageTypes;
  if (text === 'all') return storageTypes;
  const names = text.split(',');
  const wrong = names.find((name) => !isStorageType(name));
  if (wrong !== undefined) {
    throw new ShoalError('ARGUMENT_INVALID', `--storage: '${wrong}' is none of all, ${storageTypes.join(', ')}`);
  }
  return names.filter(isStorageType);
}

/** A line for each device, and a table of its rates. Exported for `machines` and for its tests. */
export function deviceLines(reports: readonly DeviceReport[]): string[] {
  return reports.flatMap((report) => {
    const { backend, deviceId, unavailable, name, memoryAvailableBytes, memoryTotalBytes, problem } = report;
    const title = backend === deviceId ? backend : `${backend}/${deviceId}`;
    if (unavailable !== undefined) return [`${title}: ${unavailable}`];
    const memory = [memoryAvailableBytes, memoryTotalBytes].map((bytes) => cell(bytes, formatBytes)).join(' of ');
    return [
      `${title}: ${name ?? ''}; ${memory} memory to use`,
      ...rateLines(report).map((line) => `  ${line}`),
      ...(problem === undefined ? [] : [`  ${problem}`]),
    ];
  });
}

function rateLines({ rates = [], operationOverheadMicroseconds, attention = [] }: DeviceReport): string[] {
  if (rates.length === 0)
    return ['not measured yet: `shoal devices --measure` does, or the first plan of a large model'];
  const perSecond = (value: number) => `${formatBytes(value)}/s`;
  const operations = (value: number) => `${(value / 1e9).toFixed(value < 1e10 ? 1 : 0)} GFLOP/s`;
  const rows = rates.map(({ storage, oneCore, ...all }) => [
    storage,
    cell(all.decodeBytesPerSecond, perSecond),
    cell(all.prefillOperationsPerSecond, operations),
    cell(oneCore?.decodeBytesPerSecond, perSecond),
    cell(oneCore?.prefillOperationsPerSecond, operations),
  ]);
  const titles = ['weights', 'decode', 'prefill', 'decode, one core', 'prefill, one core'];
  const overhead = cell(operationOverheadMicroseconds, (value) => `${value.toFixed(1)} µs`);
  const attending = attention.map(
    ({ headSize, decodeOperationsPerSecond, prefillOperationsPerSecond }) =>
      `attention with heads of ${headSize}: a token ${cell(decodeOperationsPerSecond, operations)}, ` +
      `a prompt ${cell(prefillOperationsPerSecond, operations)}`,
  );
  return [...formatTable([titles, ...rows]), `an operation costs ${overhead} beside its weights`, ...attending];
}

function cell(measured: Measured | undefined, format: (value: number) => string): string {
  if (measured === undefined) return '-';
  return 'unknown' in measured ? `unknown: ${measured.unknown}` : format(measured.value);
}

export const devicesCommand: Command = {
  name: 'devices',
  group: 'Look',
  arguments: [],
  summary: 'Show the devices of this machine and how fast they are; no node has to run.',
  description:
    'Decode is one row through weights that come from memory, prefill is many rows at once; both are measured with the ' +
    'kernels that models run on. Plans use these figures: they are kept in SHOAL_HOME.',
  options: [
    { name: 'measure', description: 'Measure anew, on a machine that does nothing else.' },
    {
      name: 'storage',
      value: 'LIST',
      description: 'Storage types to measure, or all.',
      default: commonStorageTypes.join(','),
    },
    homeOption,
    pluginsOption,
  ],
  examples: [
    ['shoal devices', 'what is known'],
    ['shoal devices --measure --storage q4_k,q6_k', 'for a checkpoint of these types'],
  ],
  run: devices,
};
