/** How fast devices are, by their own kernels; measured where it is not known yet. */
import { formatBytes, knownValue, type PluginSet } from '@shoal/core';
import type { DeviceReport } from '../machines.js';
import { measureDevicesOf } from '../measure-devices.js';
import { type Finding, ok } from './finding.js';

/** Nothing is said of devices that cannot be measured at all. */
export async function rateFindings(plugins: PluginSet, home: string, signal?: AbortSignal): Promise<Finding[]> {
  const reports = await measureDevicesOf(plugins, { home, ...(signal === undefined ? {} : { signal }) });
  return reports.flatMap((report) => {
    if (report.unavailable !== undefined || ((report.rates ?? []).length === 0 && report.problem === undefined))
      return [];
    return [ok('backend', `${report.backend}/${report.deviceId}`, describeRates(report))];
  });
}

/** `decodes 24.1 GiB/s of bf16, …; reads prompts with 180 GFLOP/s of bf16, …`. Exported for its test. */
export function describeRates({ rates = [], problem }: DeviceReport): string {
  const decode = rates.flatMap(({ storage, decodeBytesPerSecond }) => {
    const value = knownValue(decodeBytesPerSecond);
    return value === undefined ? [] : [`${formatBytes(value)}/s of ${storage}`];
  });
  const prefill = rates.flatMap(({ storage, prefillOperationsPerSecond }) => {
    const value = knownValue(prefillOperationsPerSecond);
    return value === undefined ? [] : [`${(value / 1e9).toFixed(0)} GFLOP/s with ${storage}`];
  });
  const parts = [
    decode.length === 0 ? undefined : `decodes ${decode.join(', ')}`,
    prefill.length === 0 ? undefined : `reads prompts at ${prefill.join(', ')}`,
    problem === undefined ? undefined : `not all of its speed is known: ${problem}`,
  ];
  return parts.filter((part) => part !== undefined).join('; ');
}
