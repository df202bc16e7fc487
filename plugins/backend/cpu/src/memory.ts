import { readFile } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import path from 'node:path';
import type { Measured } from '@shoal/core';

export interface SystemMemory {
  readonly total: Measured;
  readonly available: Measured;
}

interface Bounds {
  readonly totalBytes: number;
  readonly availableBytes: number;
}

/**
 * Memory of this machine, or of the control group that this process is confined to (containers, services with a
 * limit). `root` stands for `/` and is for tests.
 */
export async function readSystemMemory(options: { readonly root?: string } = {}): Promise<SystemMemory> {
  const root = options.root ?? '/';
  if (process.platform !== 'linux' && options.root === undefined) return otherSystemMemory();
  const machine = parseMeminfo(await readText(path.join(root, 'proc/meminfo')));
  if (machine === undefined) return otherSystemMemory();
  const groups = await controlGroupBounds(root);
  return {
    total: known(Math.min(machine.totalBytes, ...groups.map(({ totalBytes }) => totalBytes))),
    available: known(Math.min(machine.availableBytes, ...groups.map(({ availableBytes }) => availableBytes))),
  };
}

/** macOS and Windows: what Node knows. macOS counts little as free, for it fills memory with caches. */
function otherSystemMemory(): SystemMemory {
  const total = totalmem();
  const available =
    process.platform === 'darwin'
      ? ({ value: Math.max(freemem(), total / 2), source: 'table' } as const)
      : known(freemem());
  return { total: known(total), available };
}

function known(value: number): Measured {
  return { value, source: 'operating-system' };
}

/** `MemAvailable` is the kernel's own estimate of what can be had without swapping (proc(5)). */
function parseMeminfo(text: string | undefined): Bounds | undefined {
  const kibibytes = (key: string): number | undefined => {
    const digits = new RegExp(`^${key}:\\s+(\\d+) kB$`, 'm').exec(text ?? '')?.[1];
    return digits === undefined ? undefined : Number(digits) * 1024;
  };
  const totalBytes = kibibytes('MemTotal');
  const availableBytes = kibibytes('MemAvailable') ?? kibibytes('MemFree');
  return totalBytes === undefined || availableBytes === undefined ? undefined : { totalBytes, availableBytes };
}

/**
 * Limits of the control group (version 2) and of all groups around it. Pages of files that are not in use count as
 * used, but the kernel gives them up when memory is needed, so that they are available.
 */
async function controlGroupBounds(root: string): Promise<readonly Bounds[]> {
  const membership = await readText(path.join(root, 'proc/self/cgroup'));
  const group = /^0::(\/.*)$/m.exec(membership ?? '')?.[1];
  if (group === undefined) return [];
  const mount = path.join(root, 'sys/fs/cgroup');
  const bounds: Bounds[] = [];
  for (let folder = path.posix.normalize(group); ; folder = path.posix.dirname(folder)) {
    const limit = await readNumber(path.join(mount, folder, 'memory.max'));
    const used = await readNumber(path.join(mount, folder, 'memory.current'));
    if (limit !== undefined && used !== undefined) {
      const statistics = await readText(path.join(mount, folder, 'memory.stat'));
      const reclaimable = Number(/^inactive_file (\d+)$/m.exec(statistics ?? '')?.[1] ?? 0);
      bounds.push({ totalBytes: limit, availableBytes: Math.max(limit - used + reclaimable, 0) });
    }
    if (folder === '/' || folder === '.') return bounds;
  }
}

/** The number in a file; undefined where there is none (`max`, or no such file). */
async function readNumber(file: string): Promise<number | undefined> {
  const text = (await readText(file))?.trim();
  return text !== undefined && /^\d+$/.test(text) ? Number(text) : undefined;
}

async function readText(file: string): Promise<string | undefined> {
  try {
    return await readFile(file, 'utf8');
  } catch {
    return undefined;
  }
}
