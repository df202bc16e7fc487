import { availableParallelism } from 'node:os';
import {
  type Backend,
  type BackendCapabilities,
  type DeviceProperties,
  knownValue,
  type Measured,
  type OptionalModule,
  readMachineMemory,
  readProcessorFacts,
} from '@shoal/core';
import { capabilitiesWith } from './capabilities.js';
import type { CpuOptions } from './options.js';

type Addon = typeof import('@shoal/engine-node');
type CpuProbe = ReturnType<Addon['probeCpu']>;

/** Host half: what the processor offers, or why it cannot be used. */
export class CpuBackend implements Backend {
  readonly capabilities: BackendCapabilities;
  readonly #options: CpuOptions;
  readonly #probe: CpuProbe;
  #coreCount: number | undefined;

  /** The processor does not change while the process lives, so that it is looked at once. */
  constructor(options: CpuOptions, addon: OptionalModule<Addon>) {
    this.#options = options;
    this.#probe = 'module' in addon ? addon.module.probeCpu(options.libraryDirectory) : addon;
    this.capabilities = capabilitiesWith('unavailable' in this.#probe ? {} : this.#probe.rowTile);
  }

  async probe(): Promise<readonly DeviceProperties[]> {
    const probe = this.#probe;
    if ('unavailable' in probe) {
      return [{ available: false, id: 'cpu', reason: probe.unavailable, remedy: 'Run `npm run build:native`.' }];
    }
    const memory = await readMachineMemory();
    this.#coreCount ??= this.#options.threads ?? knownValue((await readProcessorFacts()).usableCores);
    return [
      {
        available: true,
        id: 'cpu',
        kind: 'cpu',
        name: probe.name,
        memoryTotalBytes: memory.processTotalBytes,
        memoryAvailableBytes: this.#limited(memory.processAvailableBytes),
        memoryBandwidthBytesPerSecond: { unknown: 'not measured' },
        coreCount: this.#coreCount ?? availableParallelism(),
        features: probe.features,
      },
    ];
  }

  async describe(): Promise<string | undefined> {
    const probe = this.#probe;
    if ('unavailable' in probe) return undefined;
    return `ggml ${probe.libraryVersion}, ${probe.library} in ${probe.libraryDirectory}`;
  }

  #limited(available: Measured): Measured {
    const limit = this.#options.memoryLimitBytes;
    if (limit === undefined || ('value' in available && available.value <= limit)) return available;
    return { value: limit, source: 'table' };
  }
}
