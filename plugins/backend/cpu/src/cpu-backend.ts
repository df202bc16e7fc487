import { availableParallelism } from 'node:os';
import {
  type Backend,
  type BackendCapabilities,
  type DeviceMeasurement,
  type DeviceProperties,
  knownValue,
  type Measured,
  type MeasureOptions,
  type OptionalModule,
  readMachineMemory,
  readProcessorFacts,
  ShoalError,
} from '@shoal/core';
import { capabilitiesWith } from './capabilities.js';
import { measureProcessor } from './measurement.js';
import type { CpuOptions } from './options.js';

type Addon = typeof import('@shoal/engine-node');
type CpuProbe = ReturnType<Addon['probeCpu']>;

/** Host half: what the processor offers, or why it cannot be used. */
export class CpuBackend implements Backend {
  readonly capabilities: BackendCapabilities;
  readonly #options: CpuOptions;
  readonly #probe: CpuProbe;
  readonly #addon: Addon | undefined;
  #coreCount: number | undefined;

  /** The processor does not change while the process lives, so that it is looked at once. */
  constructor(options: CpuOptions, addon: OptionalModule<Addon>) {
    this.#options = options;
    this.#addon = 'module' in addon ? addon.module : undefined;
    this.#probe = 'module' in addon ? addon.module.probeCpu(options.libraryDirectory) : addon;
    this.capabilities = capabilitiesWith('unavailable' in this.#probe ? {} : this.#probe.rowTile);
  }

  async probe(): Promise<readonly DeviceProperties[]> {
    const probe = this.#probe;
    if ('unavailable' in probe) {
      return [{ available: false, id: 'cpu', reason: probe.unavailable, remedy: 'Run `npm run build:native`.' }];
    }
    const memory = await readMachineMemory();
    return [
      {
        available: true,
        id: 'cpu',
        kind: 'cpu',
        name: probe.name,
        memoryTotalBytes: memory.processTotalBytes,
        memoryAvailableBytes: this.#limited(memory.processAvailableBytes),
        memoryBandwidthBytesPerSecond: { unknown: 'not measured' },
        coreCount: await this.#cores(),
        features: probe.features,
      },
    ];
  }

  async describe(): Promise<string | undefined> {
    const probe = this.#probe;
    if ('unavailable' in probe) return undefined;
    return `ggml ${probe.libraryVersion}, ${probe.library} in ${probe.libraryDirectory}`;
  }

  async measure(deviceId: string, options: MeasureOptions): Promise<DeviceMeasurement> {
    options.signal?.throwIfAborted();
    if (deviceId !== 'cpu' || this.#addon === undefined || 'unavailable' in this.#probe) {
      const reason = 'unavailable' in this.#probe ? this.#probe.unavailable : `it has "cpu", not "${deviceId}"`;
      throw new ShoalError('BACKEND_DEVICE_UNAVAILABLE', `The cpu backend cannot be measured: ${reason}.`, {
        details: { deviceId },
      });
    }
    const { libraryDirectory } = this.#options;
    const device = { device: 'CPU', ...(libraryDirectory === undefined ? {} : { libraryDirectory }) };
    return measureProcessor(this.#addon.measureGgmlDevice, device, await this.#cores(), options);
  }

  measurementKey(): string {
    const probe = this.#probe;
    if ('unavailable' in probe) return '';
    return `${probe.library} ${probe.libraryVersion}; ${this.#options.threads ?? 'all'} threads`;
  }

  async #cores(): Promise<number> {
    this.#coreCount ??= this.#options.threads ?? knownValue((await readProcessorFacts()).usableCores);
    return this.#coreCount ?? availableParallelism();
  }

  #limited(available: Measured): Measured {
    const limit = this.#options.memoryLimitBytes;
    if (limit === undefined || ('value' in available && available.value <= limit)) return available;
    return { value: limit, source: 'table' };
  }
}
