/** Processors of a machine with Linux, and how many of their cores this process may use. */
import { controlGroups } from './control-groups.js';
import type { ProcessorFacts } from './machine.js';
import { reported, unknown } from './reading.js';
import { type MachineSource, numberIn, trimmedText } from './source.js';

export async function linuxProcessor(source: MachineSource): Promise<ProcessorFacts> {
  const [text = '', allowed, quota, cache, cores] = await Promise.all([
    source.text('proc/cpuinfo'),
    allowedCores(source),
    quotaOf(source),
    lastLevelCache(source),
    countedCores(source),
  ]);
  const logical = (text.match(/^processor\s*:/gm) ?? []).length || allowed;
  const usable = usableCores(logical, allowed, quota);
  const name = /^(?:model name|Hardware|cpu model)\s*:\s*(.+)$/m.exec(text)?.[1]?.trim();
  const sets = /^(?:flags|Features|isa)\s*:\s*(.+)$/m.exec(text)?.[1];
  return {
    name: name === undefined ? unknown('/proc/cpuinfo does not name it') : { value: name },
    logicalCores: logical === undefined ? unknown('/proc/cpuinfo cannot be read') : reported(logical),
    physicalCores: cores === undefined ? unknown('/sys does not describe the cores') : reported(cores),
    usableCores: usable === undefined ? unknown('/proc/self/status cannot be read') : reported(usable.count),
    ...(usable?.limit === undefined ? {} : { usableCoresLimit: usable.limit }),
    instructionSets:
      sets === undefined ? unknown('/proc/cpuinfo does not list them') : { value: sets.trim().split(/\s+/) },
    lastLevelCacheBytes: cache === undefined ? unknown('/sys does not describe the caches') : reported(cache),
  };
}

function usableCores(
  logical: number | undefined,
  allowed: number | undefined,
  quota: { readonly cores: number; readonly name: string } | undefined,
): { readonly count: number; readonly limit?: string } | undefined {
  const bound = allowed ?? logical;
  if (bound === undefined) return undefined;
  // Less than whole cores: another thread would use the quota up early, and all would stand still for the rest of it.
  const whole = quota === undefined ? bound : Math.max(1, Math.floor(quota.cores));
  if (quota !== undefined && whole < bound) return { count: whole, limit: quota.name };
  if (logical !== undefined && bound < logical)
    return { count: bound, limit: 'the cores that the process is bound to' };
  return { count: bound };
}

/** `Cpus_allowed_list: 0-3,8` (proc_pid_status(5)). */
async function allowedCores(source: MachineSource): Promise<number | undefined> {
  const list = /^Cpus_allowed_list:\s*(\S+)$/m.exec((await source.text('proc/self/status')) ?? '')?.[1];
  if (list === undefined) return undefined;
  let count = 0;
  for (const part of list.split(',')) {
    const [from = Number.NaN, to = from] = part.split('-').map(Number);
    if (!(to >= from)) return undefined;
    count += to - from + 1;
  }
  return count;
}

/** The tightest share of processor time over the whole path of control groups, in cores. */
async function quotaOf(source: MachineSource): Promise<{ readonly cores: number; readonly name: string } | undefined> {
  const found = await controlGroups(source, 'cpu');
  if (found === undefined) return undefined;
  const quotas = await Promise.all(
    found.groups.map(async ({ folder, name }) => {
      const cores = found.version === 1 ? await quota1(source, folder) : await quota2(source, folder);
      return cores === undefined ? undefined : { cores, name: `a quota of ${cores} cores of control group ${name}` };
    }),
  );
  const known = quotas.filter((quota) => quota !== undefined);
  return known.toSorted((left, right) => left.cores - right.cores)[0];
}

async function quota1(source: MachineSource, folder: string): Promise<number | undefined> {
  const [quota, period] = await Promise.all([
    numberIn(source, `${folder}/cpu.cfs_quota_us`),
    numberIn(source, `${folder}/cpu.cfs_period_us`),
  ]);
  return coresOf(quota, period);
}

/** `max 100000`, or `150000 100000`. */
async function quota2(source: MachineSource, folder: string): Promise<number | undefined> {
  const [quota, period] = ((await trimmedText(source, `${folder}/cpu.max`)) ?? '').split(' ').map(Number);
  return coresOf(quota, period);
}

/** −1 and `max` stand for no quota. */
function coresOf(quota: number | undefined, period: number | undefined): number | undefined {
  if (quota === undefined || period === undefined || !(quota > 0) || !(period > 0)) return undefined;
  return Math.round((quota / period) * 100) / 100;
}

const cpuFolder = 'sys/devices/system/cpu';

async function lastLevelCache(source: MachineSource): Promise<number | undefined> {
  const folder = `${cpuFolder}/cpu0/cache`;
  const sizes = await Promise.all(
    (await source.names(folder))
      .filter((name) => /^index\d+$/.test(name))
      .map(async (name) => {
        const [, digits, unit] =
          /^(\d+)([KM]?)$/.exec((await trimmedText(source, `${folder}/${name}/size`)) ?? '') ?? [];
        return Number(digits ?? 0) * (unit === 'K' ? 1024 : unit === 'M' ? 1024 ** 2 : 1);
      }),
  );
  const largest = Math.max(0, ...sizes);
  return largest > 0 ? largest : undefined;
}

/** Cores as places: threads of one core share its place. */
async function countedCores(source: MachineSource): Promise<number | undefined> {
  const folders = (await source.names(cpuFolder)).filter((name) => /^cpu\d+$/.test(name));
  const places = await Promise.all(
    folders.map(async (name) => {
      const topology = `${cpuFolder}/${name}/topology`;
      const [core, socket] = await Promise.all([
        numberIn(source, `${topology}/core_id`),
        numberIn(source, `${topology}/physical_package_id`),
      ]);
      return core === undefined ? undefined : `${socket ?? 0}/${core}`;
    }),
  );
  const known = new Set(places.filter((place) => place !== undefined));
  return known.size > 0 ? known.size : undefined;
}
