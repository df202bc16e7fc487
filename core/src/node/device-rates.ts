/**
 * How fast this machine's devices are, by their own kernels: measured when a plan first asks, and kept in the home. A
 * figure holds for a machine, a device, the versions of its libraries and its threads.
 */
import { randomBytes } from 'node:crypto';
import { mkdir, open, readFile, rename, rm, stat, writeFile } from 'node:fs/promises';
import { hostname, tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { readProcessorFacts } from '../machine/facts.js';
import { othersLoadDuring } from '../machine/processor-time.js';
import { knownValue } from '../machine/reading.js';
import { type MachineSource, systemSource } from '../machine/source.js';
import type { PlacementDevice } from '../placement/request.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import type { AttentionRate, DeviceMeasurement, DeviceRate, Measured } from '../spec/backend.js';
import type { StorageType } from '../spec/program.js';
import { bestAttention, bestOf, highest } from './machine-rates.js';

const fileName = 'device-rates.json';
const fileVersion = 2;
/** For all that one plan may want measured. */
export const measuringDeadlineMilliseconds = 6000;
/** Whoever seems to hold the lock for longer than this is another process with a dead one's number. */
const lockLifeMilliseconds = 20_000;
const lockLookMilliseconds = 50;
/** Others' share of the processors above which a measurement says more about them. */
const disturbingLoad = 0.25;
/** A look at the load before measuring, which takes longer and needs a quiet machine. */
const lookMilliseconds = 300;
/** A machine that was too busy is left alone for a while. */
const retryMilliseconds = 60_000;

/** Results for one device under one key. */
interface Entry {
  readonly measuredAt: number;
  readonly memoryBandwidthBytesPerSecond: Measured;
  readonly operationOverheadMicroseconds: Measured;
  readonly attention?: readonly AttentionRate[];
  readonly rates: readonly DeviceRate[];
}

interface RatesFile {
  readonly version: number;
  readonly entries: Readonly<Record<string, Entry>>;
}

export interface MeasuredDevice {
  readonly backend: string;
  readonly deviceId: string;
  /** What is known now; undefined where nothing is. */
  readonly measurement?: DeviceMeasurement;
  /** Why something that was asked for is not known. */
  readonly problem?: string;
}

export interface DeviceRatesOptions {
  readonly home: string;
  readonly plugins: PluginSet;
  readonly log: (level: 'info' | 'warn', message: string) => void;
  /** Why nothing may be measured now: it would disturb, and be disturbed by, what runs. */
  readonly busyReason?: () => string | undefined;
  /** Where the machine's load is read; the system's own unless given. */
  readonly machine?: MachineSource | undefined;
}

export class DeviceRates {
  readonly #options: DeviceRatesOptions;
  readonly #source: MachineSource;
  readonly #entries = new Map<string, Entry>();
  /** Storage types that could not be measured lately, by key. */
  readonly #failures = new Map<string, { readonly at: number; readonly problem: string }>();
  #machine: Promise<string> | undefined;
  #running: Promise<unknown> = Promise.resolve();

  constructor(options: DeviceRatesOptions) {
    this.#options = options;
    this.#source = options.machine ?? systemSource();
  }

  /** The devices with what is known of them; measures nothing. Never rejects. */
  async known(devices: readonly PlacementDevice[]): Promise<readonly PlacementDevice[]> {
    if (!devices.some((device) => this.#measures(device))) return devices;
    await this.#load();
    return Promise.all(devices.map(async (device) => withEntry(device, this.#entries.get(await this.#keyOf(device)))));
  }

  /**
   * Measures what is missing of the storage types, one device after the other, and keeps it. Never rejects: what could
   * not be measured has a problem. `again`: also what is known already.
   */
  async measure(
    devices: readonly PlacementDevice[],
    storageTypes: readonly StorageType[],
    signal: AbortSignal,
    how: { readonly again?: boolean } = {},
  ): Promise<readonly MeasuredDevice[]> {
    const work = this.#running.then(async () => {
      const measured: MeasuredDevice[] = [];
      for (const device of devices) {
        if (!device.properties.available || !this.#measures(device)) continue;
        measured.push(await this.#measureDevice(device, storageTypes, signal, how.again ?? false));
      }
      return measured;
    });
    this.#running = work.catch(() => undefined);
    return work;
  }

  async #measureDevice(
    device: PlacementDevice,
    storageTypes: readonly StorageType[],
    signal: AbortSignal,
    again: boolean,
  ): Promise<MeasuredDevice> {
    const key = await this.#keyOf(device);
    const wanted = storageTypes.filter((type) => device.capabilities.storageTypes.includes(type));
    const missing = () => {
      const there = new Set(again ? [] : this.#entries.get(key)?.rates.map(({ storage }) => storage));
      return wanted.filter((type) => !there.has(type));
    };
    let problem: string | undefined;
    await this.#load();
    if (missing().length > 0) {
      problem =
        this.#options.busyReason?.() ??
        (again ? undefined : this.#recentFailure(key)) ??
        (await this.#alone(signal, async () => {
          // Another process with this home may have measured while this one waited.
          await this.#load();
          return this.#fill(key, device, missing(), signal);
        }));
    }
    const entry = this.#entries.get(key);
    return {
      backend: device.backend,
      deviceId: device.properties.id,
      ...(entry === undefined ? {} : { measurement: entry }),
      ...(problem === undefined ? {} : { problem }),
    };
  }

  /** One storage type after the other, so that a deadline leaves those that were done. The problem of the first failure. */
  async #fill(
    key: string,
    device: PlacementDevice,
    missing: readonly StorageType[],
    signal: AbortSignal,
  ): Promise<string | undefined> {
    const { host } = this.#options.plugins.get('backend', device.backend);
    const name = `${device.backend}/${device.properties.id}`;
    if (missing.length === 0) return undefined;
    const { load: before } = await othersLoadDuring(() => sleep(lookMilliseconds), this.#source);
    if (before !== undefined && before > disturbingLoad) return this.#failed(key, name, missing, busyWith(before));
    this.#options.log('info', `measuring ${name} with weights of ${missing.join(', ')}; this is kept for later`);
    for (const storage of missing) {
      try {
        signal.throwIfAborted();
        const { result, load } = await othersLoadDuring(
          async () => host.measure?.(device.properties.id, { storageTypes: [storage], signal }),
          this.#source,
        );
        if (result === undefined) return undefined;
        if (load !== undefined && load > disturbingLoad) throw new Error(busyWith(load));
        await this.#add(key, result);
      } catch (thrown) {
        const reason = signal.aborted
          ? 'there was no time left'
          : thrown instanceof Error
            ? thrown.message
            : String(thrown);
        return this.#failed(key, name, [storage], reason);
      }
    }
    return undefined;
  }

  /** It is not tried again for a while. */
  #failed(key: string, name: string, storages: readonly StorageType[], reason: string): string {
    const problem = `${storages.join(', ')} could not be measured: ${reason}`;
    this.#failures.set(key, { at: Date.now(), problem });
    this.#options.log('info', `${name}: ${problem}`);
    return problem;
  }

  async #add(key: string, found: DeviceMeasurement): Promise<void> {
    const before = this.#entries.get(key);
    const { rates } = found;
    const kept = (before?.rates ?? []).filter(({ storage }) => !rates.some((rate) => rate.storage === storage));
    const all = before === undefined ? [found] : [found, before];
    const attention = bestAttention(all.flatMap((one) => one.attention ?? []));
    this.#entries.set(key, {
      measuredAt: Date.now(),
      // Disturbances only ever slow things down: the best is the nearest.
      memoryBandwidthBytesPerSecond: highest(all, 'memoryBandwidthBytesPerSecond'),
      operationOverheadMicroseconds: bestOf(
        all.map((one) => one.operationOverheadMicroseconds),
        Math.min,
      ),
      ...(attention.length === 0 ? {} : { attention }),
      rates: [...kept, ...rates],
    });
    await this.#save();
  }

  #recentFailure(key: string): string | undefined {
    const failure = this.#failures.get(key);
    return failure !== undefined && Date.now() - failure.at < retryMilliseconds ? failure.problem : undefined;
  }

  #measures({ backend, properties }: PlacementDevice): boolean {
    return properties.available && this.#options.plugins.get('backend', backend).host.measure !== undefined;
  }

  async #keyOf({ backend, properties }: PlacementDevice): Promise<string> {
    this.#machine ??= readProcessorFacts(this.#source).then(({ name, logicalCores, usableCores }) =>
      [hostname(), knownValue(name), knownValue(logicalCores), knownValue(usableCores)].join(' / '),
    );
    const { host } = this.#options.plugins.get('backend', backend);
    return [await this.#machine, backend, properties.id, host.measurementKey?.(properties.id) ?? ''].join(' / ');
  }

  /** What other processes have kept; of an entry that is here, too, the newer one. A file that is broken is as none. */
  async #load(): Promise<void> {
    const text = await readFile(join(this.#options.home, fileName), 'utf8').catch(() => '{}');
    let parsed: Partial<RatesFile> | null;
    try {
      parsed = JSON.parse(text) as Partial<RatesFile> | null;
    } catch {
      return;
    }
    if (parsed?.version !== fileVersion || typeof parsed.entries !== 'object' || parsed.entries === null) return;
    for (const [key, entry] of Object.entries(parsed.entries)) {
      if (!isEntry(entry)) continue;
      const own = this.#entries.get(key);
      if (own === undefined || own.measuredAt < entry.measuredAt) this.#entries.set(key, entry);
    }
  }

  /** A home that cannot be written keeps nothing: then it is measured again by the next process. */
  async #save(): Promise<void> {
    const { home } = this.#options;
    const file: RatesFile = { version: fileVersion, entries: Object.fromEntries(this.#entries) };
    const temporary = join(home, `${fileName}.${randomBytes(6).toString('hex')}.tmp`);
    try {
      await mkdir(home, { recursive: true, mode: 0o700 });
      await writeFile(temporary, `${JSON.stringify(file, undefined, 1)}\n`, { mode: 0o600 });
      await rename(temporary, join(home, fileName));
    } catch (thrown) {
      this.#options.log('warn', `what was measured cannot be kept: ${String(thrown)}`);
      await rm(temporary, { force: true }).catch(() => undefined);
    }
  }

  /** Of all nodes on this machine, one measures at a time: together they would measure each other. */
  async #alone(signal: AbortSignal, work: () => Promise<string | undefined>): Promise<string | undefined> {
    const path = join(tmpdir(), `shoal-measuring-${userName()}.lock`);
    for (;;) {
      if (signal.aborted) return 'there was no time left to measure it';
      const lock = await open(path, 'wx', 0o600).catch((thrown: NodeJS.ErrnoException) => thrown);
      if (!(lock instanceof Error)) {
        try {
          await lock.writeFile(String(process.pid));
          await lock.close();
          return await work();
        } finally {
          await rm(path, { force: true }).catch(() => undefined);
        }
      }
      // A folder without room for a lock is no reason to go without figures.
      if (lock.code !== 'EEXIST') return work();
      if (await isAbandoned(path)) await rm(path, { force: true }).catch(() => undefined);
      await sleep(lockLookMilliseconds);
    }
  }
}

/** Whether the process that made a lock has died with it. */
async function isAbandoned(path: string): Promise<boolean> {
  const [found, text] = await Promise.all([stat(path).catch(() => undefined), readFile(path, 'utf8').catch(() => '')]);
  if (found === undefined) return false;
  if (Date.now() - found.mtimeMs > lockLifeMilliseconds) return true;
  const owner = Number(text);
  if (!Number.isInteger(owner) || owner <= 0) return false;
  try {
    process.kill(owner, 0);
    return false;
  } catch (thrown) {
    return (thrown as NodeJS.ErrnoException).code === 'ESRCH';
  }
}

function busyWith(load: number): string {
  return `other programs keep ${Math.round(load * 100)} % of the processors busy`;
}

function userName(): string {
  try {
    return userInfo().username.replace(/\W/g, '-');
  } catch {
    // A process whose user has no entry in the system's list.
    return 'user';
  }
}

function isEntry(value: unknown): value is Entry {
  const entry = value as Partial<Entry> | null;
  return (
    typeof entry === 'object' &&
    entry !== null &&
    typeof entry.measuredAt === 'number' &&
    isMeasured(entry.memoryBandwidthBytesPerSecond) &&
    isMeasured(entry.operationOverheadMicroseconds) &&
    (entry.attention === undefined || isAttention(entry.attention)) &&
    Array.isArray(entry.rates) &&
    entry.rates.every(
      (rate) =>
        typeof rate.storage === 'string' &&
        isMeasured(rate.decodeBytesPerSecond) &&
        isMeasured(rate.prefillOperationsPerSecond) &&
        (rate.oneCore === undefined ||
          (isMeasured(rate.oneCore.decodeBytesPerSecond) && isMeasured(rate.oneCore.prefillOperationsPerSecond))),
    )
  );
}

function isAttention(value: unknown): boolean {
  return (
    Array.isArray(value) &&
    value.every(
      (rate: Partial<AttentionRate> | null) =>
        typeof rate?.headSize === 'number' &&
        rate.headSize > 0 &&
        isMeasured(rate.decodeOperationsPerSecond) &&
        isMeasured(rate.prefillOperationsPerSecond),
    )
  );
}

function isMeasured(value: unknown): value is Measured {
  const measured = value as { value?: unknown; unknown?: unknown } | null;
  if (typeof measured !== 'object' || measured === null) return false;
  if (typeof measured.unknown === 'string') return true;
  return typeof measured.value === 'number' && Number.isFinite(measured.value) && measured.value > 0;
}

function withEntry(device: PlacementDevice, entry: Entry | undefined): PlacementDevice {
  const { properties } = device;
  if (entry === undefined || !properties.available) return device;
  const { rates, operationOverheadMicroseconds, memoryBandwidthBytesPerSecond, attention } = entry;
  const bandwidth =
    'unknown' in properties.memoryBandwidthBytesPerSecond
      ? memoryBandwidthBytesPerSecond
      : properties.memoryBandwidthBytesPerSecond;
  return {
    ...device,
    properties: {
      ...properties,
      rates,
      operationOverheadMicroseconds,
      memoryBandwidthBytesPerSecond: bandwidth,
      ...(attention === undefined ? {} : { attention }),
    },
  };
}
