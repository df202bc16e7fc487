/** How the machine fares now: what heat, battery and other programs leave of its speed. */
import { deratingOf, knownValue, type MachineConditions } from '@shoal/core';
import { type Finding, ok, warning } from './finding.js';

/** One line for all that is well or unknown, and a warning where a machine would get a smaller share. */
export function conditionFindings(conditions: MachineConditions): Finding[] {
  const text = describeConditions(conditions);
  const derating = deratingOf(conditions);
  if (derating === undefined) return [ok('machine', 'condition', text)];
  const remedy = `Plans count on ${Math.round(derating.factor * 100)} % of its speed until that is over.`;
  return [warning('machine', 'condition', `${text}: ${derating.reason}`, remedy)];
}

/** `12 % busy with other programs, 54 °C (coretemp), 31.5 W (…), on battery at 80 %`; the unknown with its reason. */
export function describeConditions({ loadByOthers, temperature, power, battery, heat }: MachineConditions): string {
  const load = knownValue(loadByOthers);
  const celsius = knownValue(temperature.celsius);
  const watts = knownValue(power.watts);
  const state = knownValue(battery);
  const throttled = knownValue(heat.throttled);
  const parts = [
    load === undefined ? undefined : `${Math.round(load * 100)} % busy with other programs`,
    celsius === undefined ? undefined : `${Math.round(celsius)} °C (${temperature.sensor ?? 'processor'})`,
    throttled === undefined ? undefined : throttled ? 'slowed down by heat' : 'not slowed down by heat',
    watts === undefined ? undefined : `${watts.toFixed(1)} W (${power.sensor ?? 'processor'})`,
    state === undefined ? undefined : describeBattery(state),
  ].filter((part) => part !== undefined);
  const reasons = [
    'unknown' in loadByOthers ? `load (${loadByOthers.unknown})` : undefined,
    'unknown' in temperature.celsius ? `temperature (${temperature.celsius.unknown})` : undefined,
    'unknown' in power.watts ? `power (${power.watts.unknown})` : undefined,
    'unknown' in battery ? `battery (${battery.unknown})` : undefined,
  ].filter((part) => part !== undefined);
  const missing = reasons.length === 0 ? [] : [`unknown: ${reasons.join(', ')}`];
  return [parts.join(', '), ...missing].filter((part) => part !== '').join('; ');
}

type Battery = Extract<MachineConditions['battery'], { value: unknown }>['value'];

function describeBattery(state: Battery): string {
  if (!state.present) return 'no battery';
  const charge = knownValue(state.chargePercent);
  const percent = charge === undefined ? '' : ` at ${Math.round(charge)} %`;
  return state.discharging ? `on battery${percent}` : `on mains, battery${percent}`;
}
