/** Memory of a machine with Linux, and what this process may take of it. */
import { controlGroups } from './control-groups.js';
import type { MachineMemory, MemoryLimit } from './machine.js';
import { reported, unknown } from './reading.js';
import { type MachineSource, numberIn } from './source.js';

/** `MemAvailable` is the kernel's own estimate of what can be had without swapping (proc_meminfo(5)). */
export async function linuxMemory(source: MachineSource): Promise<MachineMemory | undefined> {
  const text = (await source.text('proc/meminfo')) ?? '';
  const totalBytes = kibibytesOf(text, 'MemTotal');
  const freeBytes = kibibytesOf(text, 'MemAvailable') ?? kibibytesOf(text, 'MemFree');
  if (totalBytes === undefined || freeBytes === undefined) return undefined;
  const found = [...(await groupLimits(source)), ...(await processLimits(source))];
  // Version 1 writes "no limit" as a number far beyond any machine's memory.
  const limits = found
    .filter((limit) => limit.totalBytes < totalBytes)
    .toSorted((left, right) => left.availableBytes - right.availableBytes);
  return {
    totalBytes: reported(totalBytes),
    freeBytes: reported(freeBytes),
    processTotalBytes: reported(Math.min(totalBytes, ...limits.map((limit) => limit.totalBytes))),
    processAvailableBytes: reported(Math.min(freeBytes, ...limits.map((limit) => limit.availableBytes))),
    limits,
  };
}

function kibibytesOf(text: string, key: string): number | undefined {
  const digits = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text)?.[1];
  return digits === undefined ? undefined : Number(digits) * 1024;
}

/** Pages of files that are not in use count as used, but the kernel gives them up first: they are available. */
async function groupLimits(source: MachineSource): Promise<readonly MemoryLimit[]> {
  const found = await controlGroups(source, 'memory');
  if (found === undefined) return [];
  const files =
    found.version === 1
      ? { limits: ['memory.limit_in_bytes'], used: 'memory.usage_in_bytes', reclaimable: 'total_inactive_file' }
      : // Above `high` a group is slowed down until it gives memory back: a shard must stay below that.
        { limits: ['memory.max', 'memory.high'], used: 'memory.current', reclaimable: 'inactive_file' };
  const limits = await Promise.all(
    found.groups.map(async ({ folder, name }): Promise<MemoryLimit | undefined> => {
      const bounds = await Promise.all(files.limits.map((file) => numberIn(source, `${folder}/${file}`)));
      const known = bounds.filter((bound) => bound !== undefined);
      const used = await numberIn(source, `${folder}/${files.used}`);
      if (known.length === 0 || used === undefined) return undefined;
      const totalBytes = Math.min(...known);
      const statistics = (await source.text(`${folder}/memory.stat`)) ?? '';
      const reclaimable = Number(new RegExp(`^${files.reclaimable} (\\d+)$`, 'm').exec(statistics)?.[1] ?? 0);
      const availableBytes = Math.max(totalBytes - used + reclaimable, 0);
      return { name: `control group ${name}`, totalBytes, availableBytes };
    }),
  );
  return limits.filter((limit) => limit !== undefined);
}

const resources = [
  { limit: 'Max address space', used: 'VmSize', name: 'limit of address space (ulimit -v)' },
  { limit: 'Max data size', used: 'VmData', name: 'limit of data size (ulimit -d)' },
] as const;

/** Children inherit these. A worker begins about as large as this process is. */
async function processLimits(source: MachineSource): Promise<readonly MemoryLimit[]> {
  const [limits = '', status = ''] = await Promise.all([
    source.text('proc/self/limits'),
    source.text('proc/self/status'),
  ]);
  return resources.flatMap(({ limit, used, name }): MemoryLimit[] => {
    const digits = new RegExp(`^${limit}\\s+(\\d+)\\s`, 'm').exec(limits)?.[1];
    if (digits === undefined) return [];
    const totalBytes = Number(digits);
    return [{ name, totalBytes, availableBytes: Math.max(totalBytes - (kibibytesOf(status, used) ?? 0), 0) }];
  });
}

/** Where not even the machine's memory can be read. */
export function memoryUnknown(reason: string): MachineMemory {
  const nothing = unknown(reason);
  return {
    totalBytes: nothing,
    freeBytes: nothing,
    processTotalBytes: nothing,
    processAvailableBytes: nothing,
    limits: [],
  };
}
