import { DeviceRates, describePlugins, type PluginSet, resolveHome, type StorageType } from '@shoal/core';
import { selectPlugins } from './cluster-plugins.js';
import { type DeviceReport, deviceReport } from './machines.js';

export interface MeasureDevicesOptions {
  readonly home?: string;
  readonly pluginManifest?: string;
  /** What to measure where it is not known yet; empty: nothing. Default: what checkpoints are mostly stored in. */
  readonly storageTypes?: readonly StorageType[];
  /** Measures what is known already, too. */
  readonly again?: boolean;
  readonly signal?: AbortSignal;
}

export const commonStorageTypes: readonly StorageType[] = ['bf16', 'q8_0', 'q4_0'];
/** A storage type takes about half a second; on a machine that is slow or busy, longer. */
const deadlineMillisecondsPerType = 6000;

/**
 * This machine's devices with how fast they are, by their own kernels; measured where that is not known, and kept in the
 * home for plans. No node has to run. Rejects with PLUGIN_* codes only: what cannot be measured has a reason.
 */
export async function measureDevices(options: MeasureDevicesOptions = {}): Promise<readonly DeviceReport[]> {
  return measureDevicesOf(await selectPlugins(options), options);
}

export async function measureDevicesOf(
  plugins: PluginSet,
  { home, storageTypes = commonStorageTypes, again = false, signal }: MeasureDevicesOptions = {},
): Promise<readonly DeviceReport[]> {
  const rates = new DeviceRates({ home: resolveHome(home), plugins, log: () => undefined });
  const { devices } = await describePlugins(plugins, { withDevices: true, log: () => undefined });
  const deadline = new AbortController();
  const timer = setTimeout(() => deadline.abort(), deadlineMillisecondsPerType * Math.max(1, storageTypes.length));
  try {
    const both = signal === undefined ? deadline.signal : AbortSignal.any([signal, deadline.signal]);
    const measured = storageTypes.length === 0 ? [] : await rates.measure(devices, storageTypes, both, { again });
    signal?.throwIfAborted();
    return (await rates.known(devices)).map((device) => {
      const found = measured.find(
        ({ backend, deviceId }) => backend === device.backend && deviceId === device.properties.id,
      );
      return deviceReport(device, found?.problem);
    });
  } finally {
    clearTimeout(timer);
  }
}
