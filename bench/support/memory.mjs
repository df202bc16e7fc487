// Memory of processes, as Linux tells it.
import { readdirSync, readFileSync } from 'node:fs';

/** Megabytes of a process's own memory that no file backs. */
export function anonymousMegabytes(processId) {
  const kilobytes = /^RssAnon:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${processId}/status`, 'utf8'))?.[1];
  return (Number(kilobytes) * 1024) / 1e6;
}

export function childrenOf(processId) {
  return readdirSync(`/proc/${processId}/task`).flatMap((thread) =>
    readFileSync(`/proc/${processId}/task/${thread}/children`, 'utf8').split(' ').filter(Boolean).map(Number),
  );
}
