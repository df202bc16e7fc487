/** How busy the processors are, and with whose work. */
import { cpus } from 'node:os';
import type { MachineSource } from './source.js';

/** Times since the machine started, in seconds over all cores. */
export interface ProcessorTime {
  readonly busySeconds: number;
  readonly totalSeconds: number;
}

/** Linux counts in hundredths of a second, whatever the kernel's own clock. */
const ticksPerSecond = 100;

/** Waiting for a disk is not being busy; time that a hypervisor gave to others is. */
export async function processorTime(source: MachineSource): Promise<ProcessorTime> {
  if (source.platform === 'linux') {
    const line = /^cpu\s+([\d ]+)$/m.exec((await source.text('proc/stat')) ?? '')?.[1];
    // user nice system idle iowait irq softirq steal; guests' time is in user's already (proc_stat(5)).
    const ticks = (line ?? '').split(' ').slice(0, 8).map(Number);
    const total = ticks.reduce((sum, one) => sum + one, 0);
    const idle = (ticks[3] ?? 0) + (ticks[4] ?? 0);
    return { busySeconds: (total - idle) / ticksPerSecond, totalSeconds: total / ticksPerSecond };
  }
  let busy = 0;
  let idle = 0;
  for (const { times } of cpus()) {
    busy += times.user + times.nice + times.sys + times.irq;
    idle += times.idle;
  }
  return { busySeconds: busy / 1000, totalSeconds: (busy + idle) / 1000 };
}

/**
 * Seconds that this process and those with the given ids have computed for, by process; undefined where one cannot be
 * asked. One that has ended is missing.
 */
export async function ownProcessorSeconds(
  source: MachineSource,
  processIds: readonly number[],
): Promise<ReadonlyMap<number, number> | undefined> {
  const { user, system } = process.cpuUsage();
  const own: readonly [number, number] = [process.pid, (user + system) / 1e6];
  if (processIds.length === 0) return new Map([own]);
  if (source.platform === 'linux') {
    const others = await Promise.all(
      processIds.map(async (id): Promise<readonly (readonly [number, number])[]> => {
        // The name in parentheses may hold spaces; utime and stime are the 14th and 15th field (proc_pid_stat(5)).
        const fields = /^.*\) (.*)$/s.exec((await source.text(`proc/${id}/stat`)) ?? '')?.[1]?.split(' ');
        if (fields === undefined) return [];
        return [[id, (Number(fields[11] ?? 0) + Number(fields[12] ?? 0)) / ticksPerSecond]];
      }),
    );
    return new Map([own, ...others.flat()]);
  }
  if (source.platform === 'darwin') {
    const text = await source.output('/bin/ps', ['-o', 'pid=', '-o', 'time=', '-p', processIds.join(',')]);
    return text === undefined ? undefined : new Map([own, ...parsePsTimes(text)]);
  }
  return undefined;
}

/** Lines of a process id and `minutes:seconds.hundredths`, with hours before them for long ones. */
export function parsePsTimes(text: string): ReadonlyMap<number, number> {
  const seconds = new Map<number, number>();
  for (const line of text.split('\n')) {
    const [id, time] = line.trim().split(/\s+/);
    const parts = (time ?? '').split(':').map(Number);
    if (parts.length < 2 || parts.some(Number.isNaN)) continue;
    seconds.set(
      Number(id),
      parts.reduce((sum, part) => sum * 60 + part, 0),
    );
  }
  return seconds;
}

/** Over less than this, counters that tick every 10 ms say little. */
const shortestSpanSeconds = 0.2;

/**
 * What `work` gives, and the share of all cores that others kept busy meanwhile; undefined where that is not known.
 * `work` computes in this process.
 */
export async function othersLoadDuring<Result>(
  work: () => Promise<Result>,
  source: MachineSource,
): Promise<{ readonly result: Result; readonly load: number | undefined }> {
  const counters = async () => ({ time: await processorTime(source), own: process.cpuUsage() });
  const before = await counters();
  const result = await work();
  const after = await counters();
  const total = after.time.totalSeconds - before.time.totalSeconds;
  if (!(total > shortestSpanSeconds)) return { result, load: undefined };
  const own = (after.own.user - before.own.user + after.own.system - before.own.system) / 1e6;
  const busy = after.time.busySeconds - before.time.busySeconds - own;
  return { result, load: Math.min(1, Math.max(0, busy / total)) };
}
