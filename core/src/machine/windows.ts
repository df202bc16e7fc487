/** A machine with Windows, by one question to PowerShell. */
import { memoryUnknown } from './linux-memory.js';
import type { MachineConditions, MachineFacts, MachineMemory, ProcessorFacts } from './machine.js';
import { askPowerShell, noJson } from './powershell.js';
import { reported, unknown } from './reading.js';
import type { MachineSource } from './source.js';

/** Fixed text, nothing is put into it. What a machine does not have, or keeps from this user, is null. */
const script = [
  "$ErrorActionPreference='SilentlyContinue';$ProgressPreference='SilentlyContinue'",
  '$o=Get-CimInstance Win32_OperatingSystem',
  '$p=Get-CimInstance Win32_Processor',
  '$b=Get-CimInstance Win32_Battery',
  '$t=Get-CimInstance -ClassName Win32_PerfFormattedData_Counters_ThermalZoneInformation',
  '@{totalKiB=$o.TotalVisibleMemorySize;freeKiB=$o.FreePhysicalMemory;commitFreeKiB=$o.FreeVirtualMemory;' +
    'name=@($p)[0].Name;logical=($p|Measure-Object NumberOfLogicalProcessors -Sum).Sum;' +
    'cores=($p|Measure-Object NumberOfCores -Sum).Sum;l3KiB=($p|Measure-Object L3CacheSize -Sum).Sum;' +
    'batteries=@($b|Select-Object BatteryStatus,EstimatedChargeRemaining);' +
    'zones=@($t|Select-Object Name,Temperature,PercentPassiveLimit,ThrottleReasons)}|ConvertTo-Json -Compress -Depth 4',
].join(';');

export interface WindowsAnswer {
  readonly totalKiB?: number | null;
  readonly freeKiB?: number | null;
  /** What may still be promised to programs: Windows promises no more than memory and page files hold. */
  readonly commitFreeKiB?: number | null;
  readonly name?: string | null;
  readonly logical?: number | null;
  readonly cores?: number | null;
  readonly l3KiB?: number | null;
  readonly batteries?: readonly {
    readonly BatteryStatus?: number | null;
    readonly EstimatedChargeRemaining?: number | null;
  }[];
  readonly zones?: readonly {
    readonly Name?: string | null;
    /** In kelvins. */
    readonly Temperature?: number | null;
    /** 100 is full speed. */
    readonly PercentPassiveLimit?: number | null;
    readonly ThrottleReasons?: number | null;
  }[];
}

/** The answer, or why there is none. */
export async function askWindows(source: MachineSource): Promise<WindowsAnswer | string> {
  const found = await askPowerShell(source, script);
  if ('problem' in found) return found.problem;
  const { answer } = found;
  return typeof answer === 'object' && answer !== null && !Array.isArray(answer) ? (answer as WindowsAnswer) : noJson;
}

const number = (value: number | null | undefined): number | undefined =>
  typeof value === 'number' && Number.isFinite(value) ? value : undefined;

const orUnknown = (value: number | undefined, what: string) =>
  value === undefined ? unknown(`Windows does not tell ${what}`) : reported(value);

export function windowsFacts(answer: WindowsAnswer | string, usableCores: number): MachineFacts {
  if (typeof answer === 'string') {
    const nothing = unknown(answer);
    const processor: ProcessorFacts = {
      name: nothing,
      logicalCores: nothing,
      physicalCores: nothing,
      usableCores: reported(usableCores),
      instructionSets: nothing,
      lastLevelCacheBytes: nothing,
    };
    return { processor, memory: memoryUnknown(answer) };
  }
  const cache = number(answer.l3KiB);
  const processor: ProcessorFacts = {
    name: answer.name ? { value: answer.name.trim() } : unknown('Windows does not name the processor'),
    logicalCores: orUnknown(number(answer.logical), 'the number of logical processors'),
    physicalCores: orUnknown(number(answer.cores), 'the number of cores'),
    usableCores: reported(usableCores),
    instructionSets: unknown('Windows does not list them; the backend names those that it uses'),
    lastLevelCacheBytes: orUnknown(cache === undefined || cache === 0 ? undefined : cache * 1024, 'the cache'),
  };
  return { processor, memory: windowsMemory(answer) };
}

function windowsMemory(answer: WindowsAnswer): MachineMemory {
  const [total, free, commit] = [answer.totalKiB, answer.freeKiB, answer.commitFreeKiB].map((kibibytes) => {
    const known = number(kibibytes);
    return known === undefined ? undefined : known * 1024;
  });
  if (total === undefined || free === undefined) return memoryUnknown('Windows does not tell its memory');
  const isBound = commit !== undefined && commit < free;
  return {
    totalBytes: reported(total),
    freeBytes: reported(free),
    processTotalBytes: reported(total),
    processAvailableBytes: reported(isBound ? commit : free),
    limits: isBound
      ? [{ name: 'commit limit (enlarge the page file)', totalBytes: total, availableBytes: commit }]
      : [],
  };
}

type WindowsConditions = Pick<MachineConditions, 'temperature' | 'heat' | 'power' | 'battery'>;

/** Battery states in which it feeds the machine: discharging, low, critical (Win32_Battery). */
const dischargingStates: readonly number[] = [1, 4, 5];

export function windowsConditions(answer: WindowsAnswer | string): WindowsConditions {
  const power = { watts: unknown('Windows has no power sensor that programs may read') };
  if (typeof answer === 'string') {
    const nothing = unknown(answer);
    return {
      temperature: { celsius: nothing },
      heat: { throttled: nothing, speedFactor: nothing },
      power,
      battery: nothing,
    };
  }
  return { temperature: hottestZone(answer), heat: heatOf(answer), power, battery: batteryOf(answer) };
}

function hottestZone({ zones = [] }: WindowsAnswer): WindowsConditions['temperature'] {
  const known = zones.flatMap(({ Name, Temperature }) => {
    const kelvins = number(Temperature);
    // Zones without a sensor say 0.
    return kelvins === undefined || kelvins < 250 ? [] : [{ celsius: kelvins - 273, sensor: Name ?? 'thermal zone' }];
  });
  const [hottest] = known.toSorted((left, right) => right.celsius - left.celsius);
  if (hottest === undefined) return { celsius: unknown('Windows shows no thermal zone') };
  return { celsius: reported(hottest.celsius), sensor: hottest.sensor };
}

function heatOf({ zones = [] }: WindowsAnswer): WindowsConditions['heat'] {
  // 0 comes from zones that limit nothing.
  const limits = zones.flatMap(({ PercentPassiveLimit }) => {
    const limit = number(PercentPassiveLimit);
    return limit === undefined || limit <= 0 ? [] : [limit];
  });
  const reasons = zones.map(({ ThrottleReasons }) => number(ThrottleReasons) ?? 0);
  if (limits.length === 0) {
    const nothing = unknown('Windows shows no thermal zone');
    return { throttled: nothing, speedFactor: nothing };
  }
  const factor = Math.min(100, ...limits) / 100;
  return {
    throttled: { value: factor < 1 || reasons.some((reason) => reason !== 0) },
    speedFactor: reported(factor),
  };
}

function batteryOf({ batteries = [] }: WindowsAnswer): WindowsConditions['battery'] {
  const found = batteries.filter((battery) => number(battery.BatteryStatus) !== undefined);
  if (found.length === 0) return { value: { present: false } };
  const charges = found
    .map(({ EstimatedChargeRemaining }) => number(EstimatedChargeRemaining))
    .filter((charge) => charge !== undefined);
  return {
    value: {
      present: true,
      discharging: found.some(({ BatteryStatus }) => dischargingStates.includes(BatteryStatus ?? 0)),
      chargePercent: orUnknown(
        charges.length === 0 ? undefined : charges.reduce((sum, charge) => sum + charge, 0) / charges.length,
        'the charge',
      ),
    },
  };
}
