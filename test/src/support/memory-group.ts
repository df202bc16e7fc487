// A control group with a memory limit, where this user may make one: version 1 or 2, below the group of this process.
import { mkdirSync, readFileSync, rmdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MemoryGroup {
  /** What starts a program in the group, before its own words. */
  readonly prefix: readonly string[];
  remove(): void;
}

/** The group, or why there is none. */
export function makeMemoryGroup(limitBytes: number): MemoryGroup | string {
  if (process.platform !== 'linux') return 'control groups exist on Linux only';
  let folder: string | undefined;
  try {
    const membership = readFileSync('/proc/self/cgroup', 'utf8');
    const first = /^\d+:(?:[^:]*,)?memory(?:,[^:]*)?:(\/.*)$/m.exec(membership)?.[1];
    const second = /^0::(\/.*)$/m.exec(membership)?.[1];
    const own = first === undefined ? join('/sys/fs/cgroup', second ?? '/') : join('/sys/fs/cgroup/memory', first);
    folder = join(own, `shoal-test-${process.pid}`);
    mkdirSync(folder);
    const limit = first === undefined ? 'memory.max' : 'memory.limit_in_bytes';
    // Version 2 hands controllers down only where the group above holds no process of its own.
    writeFileSync(join(folder, limit), String(limitBytes));
  } catch (thrown) {
    if (folder !== undefined) removeGroup(folder);
    return `a control group with a memory limit cannot be made here: ${(thrown as Error).message}`;
  }
  const made = folder;
  return {
    prefix: ['sh', '-c', 'echo $$ > "$0/cgroup.procs" && exec "$@"', made],
    remove: () => removeGroup(made),
  };
}

function removeGroup(folder: string): void {
  try {
    rmdirSync(folder);
  } catch {
    // Not made, or a process of the test is still about to end in it.
  }
}
