/** What the machine itself has: processor, memory, disk, clock, and graphics hardware without a backend yet. */
import { readdir, readFile, statfs } from 'node:fs/promises';
import { availableParallelism, cpus, freemem, totalmem } from 'node:os';
import { join } from 'node:path';
import { formatBytes } from '@shoal/core';
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
  return [
    processorFinding(),
    await memoryFinding(),
    await diskFinding(home),
    clockFinding(new Date()),
    ...(await graphicsFindings()),
  ];
}

function processorFinding(): Finding {
  const model = cpus()[0]?.model.trim() || 'unknown processor';
  const usable = availableParallelism();
  const all = cpus().length;
  const limited = usable < all ? ` of ${all}` : '';
  return ok('machine', 'processor', `${model}; ${usable}${limited} logical cores to use`);
}

async function memoryFinding(): Promise<Finding> {
  const limit = await controlGroupLimit();
  const limited =
    limit !== undefined && limit < totalmem() ? `; limited to ${formatBytes(limit)} by its control group` : '';
  return ok('machine', 'memory', `${formatBytes(freemem())} of ${formatBytes(totalmem())} free${limited}`);
}

/** What a container or a service manager allows this process; undefined without a limit, and outside of Linux. */
async function controlGroupLimit(): Promise<number | undefined> {
  for (const path of ['/sys/fs/cgroup/memory.max', '/sys/fs/cgroup/memory/memory.limit_in_bytes']) {
    const bytes = Number(await readFile(path, 'utf8').catch(() => 'none'));
    if (Number.isFinite(bytes) && bytes > 0) return bytes;
  }
  return undefined;
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
