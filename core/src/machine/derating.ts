/** What heat, battery and other programs leave of a machine's speed. Pure. */
import type { MachineConditions } from './machine.js';
import { knownValue } from './reading.js';

export interface Derating {
  /** Above 0, at most 1. */
  readonly factor: number;
  /** For people. */
  readonly reason: string;
}

/** Below this share, what others compute is the noise of any desktop. */
const noticedLoad = 0.35;
/** Others' work comes and goes: a machine that is full now still counts for this much. */
const leastLoadFactor = 0.25;
/** Slowed down by heat, where the system does not say how far. */
const throttledFactor = 0.6;
/** Within these degrees of its limit, a machine will be slowed down by a shard's work. */
const nearLimitCelsius = 5;
const nearLimitFactor = 0.8;
const onBatteryFactor = 0.6;
const savingPowerFactor = 0.7;
/** Charge in percent below which a machine is spared. */
const lowCharge = 20;
const lowChargeFactor = 0.25;
const emptyCharge = 7;
const emptyChargeFactor = 0.05;
const leastFactor = 0.05;

/** Undefined for a machine that has nothing against a whole share. What is unknown counts as fine. */
export function deratingOf(conditions: MachineConditions): Derating | undefined {
  const found = [heatDerating(conditions), batteryDerating(conditions), loadDerating(conditions)].filter(
    (derating) => derating !== undefined,
  );
  if (found.length === 0) return undefined;
  const factor = found.reduce((product, derating) => product * derating.factor, 1);
  return {
    factor: Math.round(Math.max(leastFactor, factor) * 100) / 100,
    reason: found.map(({ reason }) => reason).join('; '),
  };
}

function heatDerating({ heat, temperature }: MachineConditions): Derating | undefined {
  const celsius = knownValue(temperature.celsius);
  const degrees = celsius === undefined ? '' : ` at ${Math.round(celsius)} °C`;
  if (knownValue(heat.throttled) === true) {
    const factor = knownValue(heat.speedFactor);
    if (factor === undefined || factor <= 0 || factor >= 1) {
      return { factor: throttledFactor, reason: `slowed down by heat${degrees}` };
    }
    return { factor, reason: `slowed down by heat to ${Math.round(factor * 100)} %${degrees}` };
  }
  const { limitCelsius } = temperature;
  if (celsius === undefined || limitCelsius === undefined || celsius < limitCelsius - nearLimitCelsius)
    return undefined;
  return { factor: nearLimitFactor, reason: `hot${degrees}, its limit is ${Math.round(limitCelsius)} °C` };
}

function batteryDerating({ battery }: MachineConditions): Derating | undefined {
  const state = knownValue(battery);
  if (state?.present !== true || !state.discharging) return undefined;
  const charge = knownValue(state.chargePercent);
  const percent = charge === undefined ? '' : ` at ${Math.round(charge)} %`;
  if (charge !== undefined && charge <= emptyCharge) {
    return { factor: emptyChargeFactor, reason: `its battery is nearly empty${percent}` };
  }
  if (charge !== undefined && charge <= lowCharge) {
    return { factor: lowChargeFactor, reason: `its battery is low${percent}` };
  }
  if (state.isSavingPower === true) {
    return { factor: onBatteryFactor * savingPowerFactor, reason: `on battery${percent}, saving power` };
  }
  return { factor: onBatteryFactor, reason: `on battery${percent}` };
}

/** In quarters: what is measured from second to second differs, and plans should not. */
function loadDerating({ loadByOthers }: MachineConditions): Derating | undefined {
  const load = knownValue(loadByOthers);
  if (load === undefined || load < noticedLoad) return undefined;
  const factor = Math.max(leastLoadFactor, Math.round((1 - load) * 4) / 4);
  return { factor, reason: `other programs keep ${Math.round(load * 100)} % of its cores busy` };
}

/**
 * One derating for all nodes of a machine, so that what each of them measured does not set them apart. What one node
 * computes is another program's work to its neighbour: it is taken off what the neighbour saw, and of what is left for
 * each of them the least holds.
 */
export function deratingsByMachine<
  Node extends { readonly nodeId: string; readonly machineId: string; readonly conditions?: MachineConditions },
>(nodes: readonly Node[]): ReadonlyMap<string, Derating> {
  const byMachine = new Map<string, MachineConditions[]>();
  for (const { machineId, conditions } of nodes) {
    if (conditions === undefined) continue;
    byMachine.set(machineId, [...(byMachine.get(machineId) ?? []), conditions]);
  }
  const ofMachines = new Map([...byMachine].map(([machineId, conditions]) => [machineId, together(conditions)]));
  const deratings = new Map<string, Derating>();
  for (const { nodeId, machineId } of nodes) {
    const conditions = ofMachines.get(machineId);
    const derating = conditions === undefined ? undefined : deratingOf(conditions);
    if (derating !== undefined) deratings.set(nodeId, derating);
  }
  return deratings;
}

/** The newest, with the least load by what is no node's work. */
function together(all: readonly MachineConditions[]): MachineConditions | undefined {
  const [newest] = all.toSorted((left, right) => right.readAt - left.readAt);
  const byNode = all.map(({ loadByNode }) => (loadByNode === undefined ? undefined : knownValue(loadByNode)) ?? 0);
  const byNodes = byNode.reduce((sum, one) => sum + one, 0);
  // A node that has just started does not know its machine's load yet.
  const loads = all.flatMap(({ loadByOthers }, index) => {
    const load = knownValue(loadByOthers);
    return load === undefined ? [] : [Math.max(0, load - (byNodes - (byNode[index] as number)))];
  });
  if (newest === undefined || loads.length === 0) return newest;
  return { ...newest, loadByOthers: { value: Math.min(...loads), source: 'measured' } };
}
