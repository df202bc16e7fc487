/** What the machine itself has: processor, memory, disk, clock, and graphics hardware without a backend yet. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { join } from 'node:path';
import {
  formatBytes,
  knownValue,
  type MachineConditions,
  type MachineMemory,
  MachineMonitor,
  type Measured,
  type ProcessorFacts,
  readMachineFacts,
} from '@shoal/core';
import { conditionFindings } from './conditions.js';
import { type Finding, ok, problem, warning } from './finding.js';

const oldestNodeMajor = 20;
const lowDiskBytes = 2 * 2 ** 30;
/** Certificates and logs make no sense before the year in which this was written. */
const earliestSaneYear = 2026;

export function runtimeFinding(): Finding {
  const { bun } = process.versions as { readonly bun?: string };
  const name = bun === undefined ? `node ${process.versions.node}` : `bun ${bun}`;
  const major = Number(process.versions.node.split('.')[0]);
  if (bun === undefined && major < oldestNodeMajor) {
    return problem('runtime', name, 'this Node.js is too old', `Install Node.js ${oldestNodeMajor} or newer.`);
  }
  return ok('runtime', name, `${process.platform} ${process.arch}`);
}

/** Everything about the machine; `home` says which disk matters. Nothing here throws. */
export async function machineFindings(home: string): Promise<Finding[]> {
  const [{ processor, memory }, conditions] = await Promise.all([readMachineFacts(), watchedConditions()]);
  return [
    processorFinding(processor),
    memoryFinding(memory),
    ...conditionFindings(conditions),
    await diskFinding(home),
    clockFinding(new Date()),
    ...(await graphicsFindings()),
  ];
}

function processorFinding(processor: ProcessorFacts): Finding {
  const name = knownValue(processor.name) ?? 'unknown processor';
  const usable = knownValue(processor.usableCores);
  const all = knownValue(processor.logicalCores);
  const limited = usable !== undefined && all !== undefined && usable < all ? ` of ${all}` : '';
  const limit = processor.usableCoresLimit === undefined ? '' : `, limited by ${processor.usableCoresLimit}`;
  return ok(
    'machine',
    'processor',
    `${name}; ${usable ?? 'an unknown number of'}${limited} logical cores to use${limit}`,
  );
}

/** Exported for its test. */
export function memoryFinding({ totalBytes, freeBytes, limits }: MachineMemory): Finding {
  const [tightest] = limits;
  const limited =
    tightest === undefined
      ? ''
      : `; ${tightest.name} limits this process to ${formatBytes(tightest.totalBytes)}, of which ` +
        `${formatBytes(tightest.availableBytes)} are left`;
  return ok('machine', 'memory', `${describeBytes(freeBytes)} of ${describeBytes(totalBytes)} free${limited}`);
}

function describeBytes(bytes: Measured): string {
  return 'unknown' in bytes ? `an unknown amount (${bytes.unknown})` : formatBytes(bytes.value);
}

/** Long enough for a first look at the load. */
const watchMilliseconds = 600;

async function watchedConditions(): Promise<MachineConditions> {
  const monitor = new MachineMonitor();
  await monitor.sample();
  await new Promise((resolve) => setTimeout(resolve, watchMilliseconds));
  return monitor.conditions();
}

async function diskFinding(home: string): Promise<Finding> {
  try {
    const { bavail, bsize } = await statfs(home);
    const free = bavail * bsize;
    const message = `${formatBytes(free)} free for ${home}`;
    if (free >= lowDiskBytes) return ok('machine', 'disk', message);
    return warning('machine', 'disk', message, 'Free some space, or set SHOAL_HOME to a folder on a larger disk.');
  } catch (thrown) {
    return warning('machine', 'disk', `how much is free for ${home} is unknown: ${(thrown as Error).message}`);
  }
}

/** Exported for its test: certificates are refused by peers whose clock is far off. */
export function clockFinding(now: Date): Finding {
  const text = now.toISOString();
  if (now.getUTCFullYear() >= earliestSaneYear) return ok('machine', 'clock', text);
  const message = `${text} is in the past; peers refuse certificates of another time`;
  return problem('machine', 'clock', message, 'Set the clock, or let the system keep it (NTP).');
}

/** PCI vendors of graphics hardware. */
const vendors: Readonly<Record<string, string>> = { '0x10de': 'NVIDIA', '0x1002': 'AMD', '0x8086': 'Intel' };

/** Graphics hardware that a person would expect to be used. Linux shows it in /sys; elsewhere Apple's is known. */
async function graphicsFindings(): Promise<Finding[]> {
  const remedy = 'Nothing to do: backends for graphics processors are on their way; until then the processor computes.';
  if (process.platform === 'darwin' && process.arch === 'arm64') {
    return [warning('machine', 'graphics', 'an Apple graphics processor is there, but no backend for it yet', remedy)];
  }
  const found = new Set<string>();
  const root = '/sys/class/drm';
  for (const card of await readdir(root).catch(() => [])) {
    if (!/^card\d+$/.test(card)) continue;
    const vendor = await readFile(join(root, card, 'device', 'vendor'), 'utf8').catch(() => '');
    const name = vendors[vendor.trim()];
    if (name !== undefined) found.add(name);
  }
  return [...found].map((name) =>
    warning('machine', 'graphics', `a graphics processor of ${name} is there, but no backend for it yet`, remedy),
  );
}
