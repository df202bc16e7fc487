/** Which ways of finding peers work on this machine's networks, tried for real. */
import type { PluginSet } from '@shoal/core';
import { type Finding, ok, warning } from './finding.js';

export async function discoveryFindings(plugins: PluginSet): Promise<readonly Finding[]> {
  // Each may wait for an echo of its network.
  const findings = plugins.of('discovery').map(async ({ name, host }): Promise<Finding[]> => {
    const availability = (await host.availability?.()) ?? { available: true };
    if (!availability.available) return [warning('discovery', name, availability.reason, availability.remedy)];
    const { detail = 'can be used', faults = [] } = availability;
    const warnings = faults.map(({ reason, remedy }) => warning('discovery', name, reason, remedy));
    return [ok('discovery', name, detail), ...warnings];
  });
  return (await Promise.all(findings)).flat();
}
