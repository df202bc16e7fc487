/** A machine with macOS, by what `sysctl`, `vm_stat` and `pmset` print. */
import { memoryUnknown } from './linux-memory.js';
import type { BatteryState, HeatState, MachineMemory, ProcessorFacts } from './machine.js';
import { type Known, reported, unknown } from './reading.js';
import type { MachineSource } from './source.js';

// Full paths: a program of the same name elsewhere is none of ours.
const sysctl = '/usr/sbin/sysctl';
const vmStat = '/usr/bin/vm_stat';
const pmset = '/usr/bin/pmset';

export async function macosMemory(source: MachineSource): Promise<MachineMemory> {
  const [total, statistics] = await Promise.all([
    source.output(sysctl, ['-n', 'hw.memsize']),
    source.output(vmStat, []),
  ]);
  const totalBytes = Number(total?.trim() || Number.NaN);
  if (!(totalBytes > 0)) return memoryUnknown('sysctl does not tell hw.memsize');
  const freeBytes = availableBytesOf(statistics ?? '');
  const free = freeBytes === undefined ? unknown('vm_stat prints no page counts') : reported(freeBytes);
  const all = reported(totalBytes);
  return { totalBytes: all, freeBytes: free, processTotalBytes: all, processAvailableBytes: free, limits: [] };
}

/** Free pages, those read ahead, and those that were not used of late: what macOS can give without swapping. */
export function availableBytesOf(vmStatOutput: string): number | undefined {
  const pageBytes = Number(/page size of (\d+) bytes/.exec(vmStatOutput)?.[1] ?? Number.NaN);
  const pages = (name: string) =>
    Number(new RegExp(`^Pages ${name}:\\s+(\\d+)\\.?$`, 'm').exec(vmStatOutput)?.[1] ?? Number.NaN);
  const available = pages('free') + pages('inactive') + (pages('speculative') || 0);
  return pageBytes > 0 && available >= 0 ? available * pageBytes : undefined;
}

export async function macosProcessor(source: MachineSource): Promise<ProcessorFacts> {
  const values = parseSysctl((await source.output(sysctl, ['hw', 'machdep.cpu'])) ?? '');
  const number = (keys: readonly string[]) => {
    const found = keys.map((key) => Number(values.get(key) ?? Number.NaN)).find((value) => value > 0);
    return found === undefined ? unknown(`sysctl does not tell ${keys.join(' or ')}`) : reported(found);
  };
  const name = values.get('machdep.cpu.brand_string');
  const logicalCores = number(['hw.logicalcpu', 'hw.ncpu']);
  return {
    name: name === undefined ? unknown('sysctl does not tell machdep.cpu.brand_string') : { value: name },
    logicalCores,
    physicalCores: number(['hw.physicalcpu']),
    usableCores: logicalCores,
    instructionSets: instructionSetsOf(values),
    lastLevelCacheBytes: number(['hw.l3cachesize', 'hw.perflevel0.l2cachesize', 'hw.l2cachesize']),
  };
}

/** Lines of `key: value`; an older sysctl prints `key = value`. */
function parseSysctl(text: string): ReadonlyMap<string, string> {
  const values = new Map<string, string>();
  for (const line of text.split('\n')) {
    const [, key, value] = /^([\w.]+)\s*[:=]\s*(.*)$/.exec(line) ?? [];
    if (key !== undefined && value !== undefined) values.set(key, value.trim());
  }
  return values;
}

/** Apple's own processors list `hw.optional.arm.FEAT_…: 1`, Intel's three lists of names. */
function instructionSetsOf(values: ReadonlyMap<string, string>): Known<readonly string[]> {
  const arm = [...values].flatMap(([key, value]) => {
    const feature = /^hw\.optional\.arm\.(FEAT_\w+)$/.exec(key)?.[1];
    return feature !== undefined && value === '1' ? [feature] : [];
  });
  const intel = ['features', 'leaf7_features', 'extfeatures'].flatMap(
    (list) => values.get(`machdep.cpu.${list}`)?.split(/\s+/) ?? [],
  );
  const sets = [...arm, ...intel];
  return sets.length === 0 ? unknown('sysctl does not list them') : { value: sets };
}

export async function macosBattery(source: MachineSource): Promise<Known<BatteryState>> {
  const [battery, settings] = await Promise.all([source.output(pmset, ['-g', 'batt']), source.output(pmset, ['-g'])]);
  return battery === undefined ? unknown('pmset cannot be run') : parsePmsetBattery(battery, settings ?? '');
}

/**
 * `Now drawing from 'Battery Power'`, then ` -InternalBattery-0 (id=…)	85%; discharging; 5:07 remaining present: true`.
 * A machine without one prints the first line only.
 */
export function parsePmsetBattery(battery: string, settings: string): Known<BatteryState> {
  const source = /Now drawing from '([^']+)'/.exec(battery)?.[1];
  if (source === undefined) return unknown('pmset prints no power source');
  const charges = [...battery.matchAll(/^ -InternalBattery.*?\t\s*(\d+)%;/gm)].map(([, digits]) => Number(digits));
  if (charges.length === 0) return { value: { present: false } };
  const saving = /^\s*lowpowermode\s+(\d)/m.exec(settings)?.[1];
  return {
    value: {
      present: true,
      discharging: source === 'Battery Power',
      chargePercent: reported(charges.reduce((sum, charge) => sum + charge, 0) / charges.length),
      ...(saving === undefined ? {} : { isSavingPower: saving === '1' }),
    },
  };
}

export async function macosHeat(source: MachineSource): Promise<HeatState> {
  const text = await source.output(pmset, ['-g', 'therm']);
  return parsePmsetTherm(text ?? '');
}

/** `CPU_Speed_Limit = 68` is a percentage; notes of "no … level has been recorded" mean that all is well. */
export function parsePmsetTherm(text: string): HeatState {
  const limit = /CPU_Speed_Limit\s*=\s*(\d+)/.exec(text)?.[1];
  const warning = /thermal warning level\s*(?:=|set to)\s*(\d+)/i.exec(text)?.[1];
  const isCalm = /No thermal warning level has been recorded/.test(text);
  if (limit === undefined && warning === undefined && !isCalm) {
    const nothing = unknown('pmset does not tell of heat');
    return { throttled: nothing, speedFactor: nothing };
  }
  const factor = Number(limit ?? 100) / 100;
  const isWarned = Number(warning ?? 0) > 0;
  return {
    throttled: { value: factor < 1 || isWarned },
    speedFactor: limit === undefined && isWarned ? unknown('pmset does not say how far') : reported(factor),
  };
}
