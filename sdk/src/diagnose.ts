import { access, constants, mkdir } from 'node:fs/promises';
import { freemem, totalmem } from 'node:os';
import { type Measured, type PluginSet, ShoalError } from '@shoal/core';

/** One thing that was looked at. `remedy` says how to mend what is not `ok`. */
export interface Finding {
  readonly area: 'runtime' | 'home' | 'engine' | 'backend' | 'transport' | 'strategy' | 'discovery';
  readonly name: string;
  readonly status: 'ok' | 'warning' | 'problem';
  readonly message: string;
  readonly remedy?: string;
}

const oldestNodeMajor = 20;

/** What this machine has, what is missing and how to get it. Never throws: what fails is a finding. */
export async function diagnose(plugins: PluginSet, homeDirectory: string): Promise<readonly Finding[]> {
  const findings: Finding[] = [runtimeFinding(), await homeFinding(homeDirectory)];
  for (const { name, host } of plugins.of('engine')) {
    const reason = await host.unavailableReason();
    findings.push(
      reason === undefined
        ? { area: 'engine', name, status: 'ok', message: 'loads and runs here' }
        : problem('engine', name, reason, 'In a clone of the repository run `npm run setup`; it builds the engine.'),
    );
  }
  for (const { name, host } of plugins.of('backend')) {
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
  for (const { name, host } of plugins.of('transport')) {
    const availability = await host.availability();
    findings.push(
      availability.available
        ? { area: 'transport', name, status: 'ok', message: 'can be used' }
        : problem('transport', name, availability.reason, availability.remedy),
    );
  }
  for (const { name, host } of plugins.of('sharding')) {
    findings.push({ area: 'strategy', name, status: 'ok', message: `runs ${host.architectures.join(', ')}` });
  }
  for (const { name } of plugins.of('discovery')) {
    findings.push({ area: 'discovery', name, status: 'ok', message: 'loaded' });
  }
  for (const [kind, area, consequence] of [
    ['engine', 'engine', 'no model can be run'],
    ['backend', 'backend', 'this node offers no device'],
    ['transport', 'transport', 'models cannot be split over processes'],
    ['sharding', 'strategy', 'no model is understood'],
  ] as const) {
    if (plugins.of(kind).length > 0) continue;
    findings.push(problem(area, '(none)', `no ${kind} plugin is loaded: ${consequence}`, 'Add one to plugins.json.'));
  }
  return findings;
}

function problem(area: Finding['area'], name: string, message: string, remedy?: string): Finding {
  return { area, name, status: 'problem', message, ...(remedy === undefined ? {} : { remedy }) };
}

function runtimeFinding(): Finding {
  const memory = `${describeBytes({ value: freemem(), source: 'operating-system' })} of ${describeBytes({ value: totalmem(), source: 'operating-system' })} memory free`;
  const bun = process.versions['bun'];
  const name = bun === undefined ? `node ${process.versions.node}` : `bun ${bun}`;
  const major = Number(process.versions.node.split('.')[0]);
  if (bun === undefined && major < oldestNodeMajor) {
    return problem('runtime', name, 'this Node.js is too old', `Install Node.js ${oldestNodeMajor} or newer.`);
  }
  return { area: 'runtime', name, status: 'ok', message: `${process.platform} ${process.arch}; ${memory}` };
}

async function homeFinding(directory: string): Promise<Finding> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
    await access(directory, constants.R_OK | constants.W_OK);
    return { area: 'home', name: directory, status: 'ok', message: 'can be read and written' };
  } catch (thrown) {
    return problem('home', directory, ShoalError.from(thrown).message, 'Make the folder writable or set SHOAL_HOME.');
  }
}

function describeBytes(measured: Measured): string {
  return 'unknown' in measured
    ? `an unknown amount (${measured.unknown})`
    : `${(measured.value / 2 ** 30).toFixed(1)} GiB`;
}
