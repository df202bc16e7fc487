import type { Measured, PluginSet } from '@shoal/core';
import { discoveryFindings } from './doctor/discovery.js';
import { type Finding, ok, problem } from './doctor/finding.js';
import { homeFindings, nodeFindings } from './doctor/home.js';
import { machineFindings, runtimeFinding } from './doctor/machine.js';
import { modelFindings } from './doctor/models.js';
import { rateFindings } from './doctor/rates.js';

/** What this machine has, what is missing and how to get it. Never throws: what fails is a finding. */
export async function diagnose(
  plugins: PluginSet,
  homeDirectory: string,
  signal?: AbortSignal,
): Promise<readonly Finding[]> {
  // The home first: it is made when it is not there, and its disk is looked at.
  const home = await homeFindings(homeDirectory);
  const findings: Finding[] = [
    runtimeFinding(),
    ...(await machineFindings(homeDirectory)),
    ...home,
    ...(await nodeFindings(homeDirectory)),
  ];
  for (const { name, host } of plugins.of('engine')) {
    const reason = await host.unavailableReason();
    findings.push(
      reason === undefined
        ? ok('engine', name, (await host.describe?.()) ?? 'can be used')
        : problem('engine', name, reason, 'In a clone of the repository run `npm run setup`; it builds the engine.'),
    );
  }
  for (const { name, host } of plugins.of('backend')) {
    const libraries = await host.describe?.();
    if (libraries !== undefined) findings.push(ok('backend', name, libraries));
    for (const device of await host.probe()) {
      if (!device.available) {
        findings.push({
          area: 'backend',
          name: `${name}/${device.id}`,
          status: 'warning',
          message: device.reason,
          ...(device.remedy === undefined ? {} : { remedy: device.remedy }),
        });
        continue;
      }
      const memory = `${describeBytes(device.memoryAvailableBytes)} of ${describeBytes(device.memoryTotalBytes)} memory to use`;
      const features = device.features.length === 0 ? '' : `; ${device.features.join(' ')}`;
      findings.push({
        area: 'backend',
        name: `${name}/${device.id}`,
        status: 'ok',
        message: `${device.name}; ${memory}${features}`,
      });
    }
  }
  findings.push(...(await rateFindings(plugins, homeDirectory, signal)));
  for (const { name, host } of plugins.of('transport')) {
    const availability = await host.availability();
    findings.push(
      availability.available
        ? ok('transport', name, 'can be used')
        : problem('transport', name, availability.reason, availability.remedy),
    );
  }
  for (const { name, host } of plugins.of('sharding')) {
    findings.push({ area: 'strategy', name, status: 'ok', message: `runs ${host.architectures.join(', ')}` });
  }
  findings.push(...(await discoveryFindings(plugins)));
  for (const [kind, area, consequence] of [
    ['engine', 'engine', 'no model can be run'],
    ['backend', 'backend', 'this node offers no device'],
    ['transport', 'transport', 'models cannot be split over processes'],
    ['sharding', 'strategy', 'no model is understood'],
  ] as const) {
    if (plugins.of(kind).length > 0) continue;
    findings.push(problem(area, '(none)', `no ${kind} plugin is loaded: ${consequence}`, 'Add one to plugins.json.'));
  }
  return [...findings, ...(await modelFindings(homeDirectory))];
}

function describeBytes(measured: Measured): string {
  return 'unknown' in measured
    ? `an unknown amount (${measured.unknown})`
    : `${(measured.value / 2 ** 30).toFixed(1)} GiB`;
}
