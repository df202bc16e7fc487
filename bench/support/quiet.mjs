// What others compute meanwhile: a measurement that somebody disturbed says little of what it measures. Linux; elsewhere
// every measurement counts.
import { readFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';
import { childrenOf } from './memory.mjs';

function times(processIds) {
  const [, ...fields] = readFileSync('/proc/stat', 'utf8').split('\n')[0].split(/\s+/);
  const ticks = fields.slice(0, 8).map(Number);
  const total = ticks.reduce((sum, one) => sum + one, 0);
  const own = processIds.map((id) => {
    try {
      const after = /^.*\) (.*)$/s.exec(readFileSync(`/proc/${id}/stat`, 'utf8'))[1].split(' ');
      return [id, Number(after[11]) + Number(after[12])];
    } catch {
      return [id, 0];
    }
  });
  return { busy: total - ticks[3] - ticks[4], total, own: new Map(own) };
}

const familyOf = (processId) => [processId, ...childrenOf(processId).flatMap(familyOf)];

/** This process with all of its children and theirs. */
const ownProcesses = () => (process.platform === 'linux' ? familyOf(process.pid) : []);

/** What `work` gives, with the share of all cores that others kept busy meanwhile; 0 where that cannot be told. */
export async function othersLoadDuring(work) {
  if (process.platform !== 'linux') return { result: await work(), load: 0 };
  const ids = ownProcesses();
  const before = times(ids);
  const result = await work();
  const after = times(ids);
  const own = ids.reduce((sum, id) => sum + Math.max(0, after.own.get(id) - before.own.get(id)), 0);
  const total = Math.max(1, after.total - before.total);
  return { result, load: Math.max(0, (after.busy - before.busy - own) / total) };
}

/** Until nobody else computes, for `seconds` at most. */
export async function untilQuiet(mostLoad, seconds, windowMilliseconds = 1000) {
  const deadline = performance.now() + seconds * 1000;
  while (performance.now() < deadline) {
    const { load } = await othersLoadDuring(() => sleep(windowMilliseconds));
    if (load <= mostLoad) return true;
  }
  return false;
}

/**
 * Repeats `work` until it was left alone so many times, for `seconds` at most; the results that were, or all of them, the
 * least disturbed first, where none was.
 */
export async function undisturbed(work, { wanted, mostLoad, seconds }) {
  const deadline = performance.now() + seconds * 1000;
  const all = [];
  const alone = () => all.filter(({ load }) => load <= mostLoad);
  do {
    all.push(await othersLoadDuring(work));
  } while (alone().length < wanted && performance.now() < deadline);
  const kept = alone().length > 0 ? alone() : all.toSorted((left, right) => left.load - right.load).slice(0, 1);
  return { results: kept.map(({ result }) => result), mostLoad: Math.max(...kept.map(({ load }) => load)) };
}
