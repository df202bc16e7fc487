/** How the machine fares: reads sensors when asked, and load from what it has seen over the last seconds. */
import type { Measured } from '../spec/backend.js';
import type { DevicePaths } from '../spec/link.js';
import { ConditionsHistoryKeeper } from './conditions-history.js';
import { readDevicePaths } from './device-paths.js';
import { readMachineMemory, readProcessorFacts } from './facts.js';
import {
  linuxBattery,
  linuxHeat,
  linuxPower,
  linuxTemperature,
  packageEnergyMicrojoules,
  throttleCount,
} from './linux-sensors.js';
import type { MachineConditions, MachineFacts, ProcessorFacts } from './machine.js';
import { macosBattery, macosHeat } from './macos.js';
import { ownProcessorSeconds, processorTime } from './processor-time.js';
import { knownValue, readWithin, unknown } from './reading.js';
import { type MachineSource, systemSource } from './source.js';
import { askWindows, windowsConditions } from './windows.js';

/** Counters as they stood at one moment. */
interface Sample {
  readonly at: number;
  readonly busySeconds: number;
  readonly totalSeconds: number;
  readonly ownSeconds: number | undefined;
  readonly energyMicrojoules: number | undefined;
  readonly throttles: number | undefined;
}

const sampleIntervalMilliseconds = 5000;
/** Load and throttling are those of so long at most. */
const windowMilliseconds = 30_000;
/** Counters tick every 10 ms: over less than this they say little. */
const shortestSpanMilliseconds = 500;
const readDeadlineMilliseconds = 3000;
/** PowerShell takes about a second: its answer is good for a while. */
const windowsAnswerLifeMilliseconds = 30_000;
/** Cards come and go with a restart; links that fail do so now and then. */
const devicePathsLifeMilliseconds = 10 * 60_000;

type SensorReadings = Pick<MachineConditions, 'temperature' | 'heat' | 'power' | 'battery'>;

export interface MonitorOptions {
  readonly source?: MachineSource | undefined;
  /** Processes beside this one whose work is this node's own. */
  readonly ownProcessIds?: () => readonly number[];
  readonly now?: () => number;
}

export class MachineMonitor {
  readonly #source: MachineSource;
  readonly #ownProcessIds: () => readonly number[];
  readonly #now: () => number;
  #samples: readonly Sample[] = [];
  /** Of each own process when it was last looked at; one that ends has computed as long as it was seen to. */
  #seconds: ReadonlyMap<number, number> = new Map();
  #ownSeconds = 0;
  #timer: NodeJS.Timeout | undefined;
  #processor: Promise<ProcessorFacts> | undefined;
  #devicePaths: { readonly at: number; readonly paths: Promise<DevicePaths> } | undefined;
  readonly #history = new ConditionsHistoryKeeper();
  #windows: { readonly at: number; readonly readings: Promise<SensorReadings> } | undefined;

  constructor(options: MonitorOptions = {}) {
    this.#source = options.source ?? systemSource();
    this.#ownProcessIds = options.ownProcessIds ?? (() => []);
    this.#now = options.now ?? Date.now;
  }

  /** Counters are looked at from now on: one small file every few seconds on Linux. Keeps no process alive. */
  start(): void {
    this.#timer ??= setInterval(() => void this.sample(), sampleIntervalMilliseconds).unref();
    void this.sample();
  }

  stop(): void {
    clearInterval(this.#timer);
    this.#timer = undefined;
  }

  /** The processor as it was at first, memory as it is now. Never rejects. */
  async facts(): Promise<MachineFacts> {
    this.#processor ??= readProcessorFacts(this.#source);
    const [processor, memory] = await Promise.all([this.#processor, readMachineMemory(this.#source)]);
    return { processor, memory };
  }

  /** How the machine's devices are joined. Never rejects. */
  devicePaths(): Promise<DevicePaths> {
    const known = this.#devicePaths;
    if (known !== undefined && this.#now() - known.at < devicePathsLifeMilliseconds) return known.paths;
    const paths = readDevicePaths(this.#source);
    this.#devicePaths = { at: this.#now(), paths };
    return paths;
  }

  /** Never rejects. */
  async conditions(): Promise<MachineConditions> {
    const span = await this.sample();
    const loads = loadsOf(span);
    const read = () => this.#read(span);
    const readings = await readWithin(readDeadlineMilliseconds, read, nothingKnown);
    const readAt = this.#now();
    this.#remember(readAt, span, knownValue(readings.temperature.celsius));
    return { readAt, ...loads, ...readings, history: this.#history.columns };
  }

  /** Adds a sample; gives it with the oldest one of the window. */
  async sample(): Promise<Span> {
    const newest = await readWithin<Sample | undefined>(
      readDeadlineMilliseconds,
      () => this.#take(),
      () => undefined,
    );
    if (newest === undefined) return undefined;
    // A machine that was suspended, or a look that took long.
    const kept = this.#samples.filter(
      ({ at, busySeconds }) =>
        newest.at - at <= windowMilliseconds && newest.at >= at && busySeconds <= newest.busySeconds,
    );
    const oldest = kept[0];
    // Plans may follow each other quickly, and the window has its size.
    const last = kept.at(-1);
    this.#samples = last === undefined || newest.at - last.at >= shortestSpanMilliseconds ? [...kept, newest] : kept;
    const span = oldest === undefined ? undefined : { oldest, newest };
    this.#remember(newest.at, span, undefined);
    return span;
  }

  #remember(at: number, span: Span, celsius: number | undefined): void {
    const { loadByOthers, loadByNode } = loadsOf(span);
    const [others, node] = [knownValue(loadByOthers), knownValue(loadByNode)];
    const load = others === undefined || node === undefined ? undefined : Math.min(1, others + node);
    this.#history.add({ at, load, watts: wattsOf(span), celsius });
  }

  async #take(): Promise<Sample> {
    const isLinux = this.#source.platform === 'linux';
    const [time, seconds, energyMicrojoules, throttles] = await Promise.all([
      processorTime(this.#source),
      ownProcessorSeconds(this.#source, this.#ownProcessIds()),
      isLinux ? packageEnergyMicrojoules(this.#source) : undefined,
      isLinux ? throttleCount(this.#source) : undefined,
    ]);
    return { at: this.#now(), ...time, ownSeconds: this.#counted(seconds), energyMicrojoules, throttles };
  }

  /** What the node's processes have computed for since it was first looked at, with those that have ended. */
  #counted(seconds: ReadonlyMap<number, number> | undefined): number | undefined {
    if (seconds === undefined) return undefined;
    for (const [id, now] of seconds) this.#ownSeconds += Math.max(0, now - (this.#seconds.get(id) ?? 0));
    this.#seconds = seconds;
    return this.#ownSeconds;
  }

  async #read(span: Span): Promise<SensorReadings> {
    const source = this.#source;
    if (source.platform === 'linux') {
      const [temperature, heat, power, battery] = await Promise.all([
        linuxTemperature(source),
        linuxHeat(source, hasThrottled(span)),
        linuxPower(source, wattsOf(span)),
        linuxBattery(source),
      ]);
      return { temperature, heat, power, battery };
    }
    if (source.platform === 'darwin') {
      const [heat, battery] = await Promise.all([macosHeat(source), macosBattery(source)]);
      const reason = unknown('macOS tells it to privileged programs only');
      return { temperature: { celsius: reason }, heat, power: { watts: reason }, battery };
    }
    if (source.platform === 'win32') return this.#readWindows();
    return nothingKnown(`there are no readers for ${source.platform}`);
  }

  #readWindows(): Promise<SensorReadings> {
    const now = this.#now();
    if (this.#windows === undefined || now - this.#windows.at > windowsAnswerLifeMilliseconds) {
      this.#windows = { at: now, readings: askWindows(this.#source).then(windowsConditions) };
    }
    return this.#windows.readings;
  }
}

type Span = { readonly oldest: Sample; readonly newest: Sample } | undefined;

function loadsOf(span: Span): Required<Pick<MachineConditions, 'loadByOthers' | 'loadByNode'>> {
  const both = (load: Measured) => ({ loadByOthers: load, loadByNode: load });
  if (span === undefined || span.newest.at - span.oldest.at < shortestSpanMilliseconds) {
    return both(unknown('it has been watched for less than a second'));
  }
  const { oldest, newest } = span;
  if (oldest.ownSeconds === undefined || newest.ownSeconds === undefined) {
    return both(unknown("this system does not tell it from the node's own work"));
  }
  const total = newest.totalSeconds - oldest.totalSeconds;
  if (!(total > 0)) return both(unknown('the system does not count the time of its processors'));
  const own = newest.ownSeconds - oldest.ownSeconds;
  const share = (seconds: number): Measured => ({
    value: Math.round(Math.min(1, Math.max(0, seconds / total)) * 1000) / 1000,
    source: 'measured',
  });
  return { loadByOthers: share(newest.busySeconds - oldest.busySeconds - own), loadByNode: share(own) };
}

function hasThrottled(span: Span): boolean | undefined {
  if (span?.newest.throttles === undefined || span.oldest.throttles === undefined) return undefined;
  return span.newest.throttles > span.oldest.throttles;
}

function wattsOf(span: Span): number | undefined {
  if (span?.newest.energyMicrojoules === undefined || span.oldest.energyMicrojoules === undefined) return undefined;
  const microjoules = span.newest.energyMicrojoules - span.oldest.energyMicrojoules;
  const milliseconds = span.newest.at - span.oldest.at;
  if (microjoules <= 0 || milliseconds < shortestSpanMilliseconds) return undefined;
  return Math.round(microjoules / milliseconds / 10) / 100;
}

function nothingKnown(reason: string): SensorReadings {
  const nothing = unknown(reason);
  return {
    temperature: { celsius: nothing },
    heat: { throttled: nothing, speedFactor: nothing },
    power: { watts: nothing },
    battery: nothing,
  };
}
