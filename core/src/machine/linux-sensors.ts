/** Heat, power and battery of a machine with Linux, from /sys. */
import type { BatteryState, HeatState, PowerDraw, Temperature } from './machine.js';
import { type Known, reported, unknown } from './reading.js';
import { type MachineSource, numberIn, trimmedText } from './source.js';

const hwmonFolder = 'sys/class/hwmon';
const thermalFolder = 'sys/class/thermal';
/** Drivers whose sensors sit in the processor. */
const processorDrivers = /^(coretemp|k10temp|zenpower|k8temp|cpu_thermal|cpu[-_]?thermal.*|soc[-_]thermal.*)$/;
/** Types of thermal zones that do. `acpitz` is the board's, but often all there is. */
const processorZones = [/^x86_pkg_temp$/, /^(cpu|soc|cluster)/i, /^acpitz$/];
/** What broken sensors say. */
const isSane = (celsius: number): boolean => celsius > -30 && celsius < 150;

interface Sensor extends Temperature {
  readonly value: number;
}

/** The hottest sensor of the processor; drivers of hwmon first, for they know their limits. */
export async function linuxTemperature(source: MachineSource): Promise<Temperature> {
  const sensors = await hwmonSensors(source);
  const found = sensors.length > 0 ? sensors : await zoneSensors(source);
  const [hottest] = found.toSorted((left, right) => right.value - left.value);
  if (hottest === undefined) return { celsius: unknown('this machine has no temperature sensor that Linux knows') };
  const { value: _, ...temperature } = hottest;
  return temperature;
}

async function hwmonSensors(source: MachineSource): Promise<Sensor[]> {
  const found: Sensor[] = [];
  for (const chip of await source.names(hwmonFolder)) {
    const folder = `${hwmonFolder}/${chip}`;
    const driver = (await trimmedText(source, `${folder}/name`)) ?? '';
    if (!processorDrivers.test(driver)) continue;
    for (const file of await source.names(folder)) {
      const prefix = /^(temp\d+)_input$/.exec(file)?.[1];
      if (prefix === undefined) continue;
      const [input, label, maximum, critical] = await Promise.all([
        numberIn(source, `${folder}/${file}`),
        trimmedText(source, `${folder}/${prefix}_label`),
        numberIn(source, `${folder}/${prefix}_max`),
        numberIn(source, `${folder}/${prefix}_crit`),
      ]);
      const celsius = (input ?? Number.NaN) / 1000;
      if (!isSane(celsius)) continue;
      const limit = [critical, maximum].find((one) => one !== undefined && one > 0 && isSane(one / 1000));
      found.push({
        value: celsius,
        celsius: reported(celsius),
        sensor: label === undefined || label === '' ? driver : `${driver} ${label}`,
        ...(limit === undefined ? {} : { limitCelsius: limit / 1000 }),
      });
    }
  }
  return found;
}

/** Of the kinds of zones, those of the first that there is. */
async function zoneSensors(source: MachineSource): Promise<Sensor[]> {
  const zones = await thermalZones(source);
  for (const kind of processorZones) {
    const matching = zones.filter(({ type, celsius }) => kind.test(type) && celsius !== undefined);
    if (matching.length === 0) continue;
    return matching.flatMap(({ type, celsius, trips }): Sensor[] => {
      if (celsius === undefined) return [];
      const limits = trips.filter((trip) => trip.type === 'passive' || trip.type === 'critical' || trip.type === 'hot');
      const limit = limits.length === 0 ? undefined : Math.min(...limits.map((trip) => trip.celsius));
      const sensor = { value: celsius, celsius: reported(celsius), sensor: `thermal zone ${type}` };
      return [{ ...sensor, ...(limit === undefined ? {} : { limitCelsius: limit }) }];
    });
  }
  return [];
}

interface ThermalZone {
  readonly type: string;
  readonly celsius: number | undefined;
  readonly trips: readonly { readonly type: string; readonly celsius: number }[];
}

async function thermalZones(source: MachineSource): Promise<ThermalZone[]> {
  const names = (await source.names(thermalFolder)).filter((name) => /^thermal_zone\d+$/.test(name));
  return Promise.all(
    names.map(async (name): Promise<ThermalZone> => {
      const folder = `${thermalFolder}/${name}`;
      const [type, input, files] = await Promise.all([
        trimmedText(source, `${folder}/type`),
        numberIn(source, `${folder}/temp`),
        source.names(folder),
      ]);
      const trips = await Promise.all(
        files.flatMap((file) => {
          const trip = /^(trip_point_\d+)_type$/.exec(file)?.[1];
          if (trip === undefined) return [];
          return [
            Promise.all([trimmedText(source, `${folder}/${file}`), numberIn(source, `${folder}/${trip}_temp`)]).then(
              ([kind, at]) => ({ type: kind ?? '', celsius: (at ?? 0) / 1000 }),
            ),
          ];
        }),
      );
      const celsius = (input ?? Number.NaN) / 1000;
      return {
        type: type ?? '',
        celsius: isSane(celsius) ? celsius : undefined,
        // Trips at 0 are not used.
        trips: trips.filter((trip) => trip.celsius > 0),
      };
    }),
  );
}

/** How often processors have slowed themselves down since the machine started; undefined where they do not count. */
export async function throttleCount(source: MachineSource): Promise<number | undefined> {
  const folder = 'sys/devices/system/cpu';
  const cpus = (await source.names(folder)).filter((name) => /^cpu\d+$/.test(name));
  const counts = await Promise.all(
    cpus.flatMap((name) =>
      ['core_throttle_count', 'package_throttle_count'].map((file) =>
        numberIn(source, `${folder}/${name}/thermal_throttle/${file}`),
      ),
    ),
  );
  const known = counts.filter((count) => count !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, count) => sum + count, 0);
}

/**
 * Whether heat slows the processor down: a cooling device of its that is in use, a zone beyond its passive trip, or a
 * count of `throttleCount` that grew (`hasThrottled`; undefined where nobody counts).
 */
export async function linuxHeat(source: MachineSource, hasThrottled: boolean | undefined): Promise<HeatState> {
  const speedFactor = unknown('Linux does not say how far');
  const [cooling, zones] = await Promise.all([processorCooling(source), thermalZones(source)]);
  const passive = zones.flatMap(({ celsius, trips }) =>
    celsius === undefined ? [] : trips.filter(({ type }) => type === 'passive').map((trip) => celsius >= trip.celsius),
  );
  const signs = [...cooling, ...passive, ...(hasThrottled === undefined ? [] : [hasThrottled])];
  if (signs.length === 0) {
    return { throttled: unknown('this machine has nothing that tells of throttling'), speedFactor };
  }
  return { throttled: { value: signs.includes(true) }, speedFactor };
}

/** Fans are not meant: they cost no speed. */
async function processorCooling(source: MachineSource): Promise<boolean[]> {
  const names = (await source.names(thermalFolder)).filter((name) => /^cooling_device\d+$/.test(name));
  const states = await Promise.all(
    names.map(async (name) => {
      const type = (await trimmedText(source, `${thermalFolder}/${name}/type`)) ?? '';
      if (!/^(Processor|cpufreq|cpu-|thermal-cpufreq|intel_powerclamp)/i.test(type)) return undefined;
      const state = await numberIn(source, `${thermalFolder}/${name}/cur_state`);
      // Powerclamp says −1 while it is off.
      return state === undefined ? undefined : state > 0;
    }),
  );
  return states.filter((state) => state !== undefined);
}

/** Energy that processor packages have taken so far, in microjoules; undefined where nobody counts, or may look. */
export async function packageEnergyMicrojoules(source: MachineSource): Promise<number | undefined> {
  const folder = 'sys/class/powercap';
  // `intel-rapl:0` is a package, also of AMD's; `intel-rapl:0:1` is a part of it.
  const packages = (await source.names(folder)).filter((name) => /^intel-rapl:\d+$/.test(name));
  const energies = await Promise.all(
    packages.map(async (name) => {
      const type = (await trimmedText(source, `${folder}/${name}/name`)) ?? '';
      return type.startsWith('package') ? numberIn(source, `${folder}/${name}/energy_uj`) : undefined;
    }),
  );
  const known = energies.filter((energy) => energy !== undefined);
  return known.length === 0 ? undefined : known.reduce((sum, energy) => sum + energy, 0);
}

/** `packageWatts`: from two readings of the energy counter. Else a sensor of the package, else what the battery gives. */
export async function linuxPower(source: MachineSource, packageWatts: number | undefined): Promise<PowerDraw> {
  if (packageWatts !== undefined) {
    return { watts: { value: packageWatts, source: 'measured' }, sensor: 'processor package (RAPL)' };
  }
  for (const chip of await source.names(hwmonFolder)) {
    const folder = `${hwmonFolder}/${chip}`;
    const driver = (await trimmedText(source, `${folder}/name`)) ?? '';
    if (!processorDrivers.test(driver) && !/power/.test(driver)) continue;
    for (const file of ['power1_input', 'power1_average']) {
      const microwatts = await numberIn(source, `${folder}/${file}`);
      if (microwatts !== undefined && microwatts > 0) {
        return { watts: { value: microwatts / 1e6, source: 'driver' }, sensor: driver };
      }
    }
  }
  for (const { folder, isDischarging } of await batteries(source)) {
    const microwatts = await numberIn(source, `${folder}/power_now`);
    if (isDischarging && microwatts !== undefined && microwatts > 0) {
      return { watts: { value: microwatts / 1e6, source: 'driver' }, sensor: 'battery' };
    }
  }
  return { watts: unknown('no power sensor that this user may read') };
}

interface BatteryFolder {
  readonly folder: string;
  readonly isDischarging: boolean;
}

/** Batteries that feed the machine: those of mice and keyboards have the scope `Device`. */
async function batteries(source: MachineSource): Promise<BatteryFolder[]> {
  const root = 'sys/class/power_supply';
  const found = await Promise.all(
    (await source.names(root)).map(async (name): Promise<BatteryFolder | undefined> => {
      const folder = `${root}/${name}`;
      const [type, scope, status, present] = await Promise.all(
        ['type', 'scope', 'status', 'present'].map((file) => trimmedText(source, `${folder}/${file}`)),
      );
      if (type !== 'Battery' || scope === 'Device' || present === '0') return undefined;
      return { folder, isDischarging: status === 'Discharging' };
    }),
  );
  return found.filter((battery) => battery !== undefined);
}

export async function linuxBattery(source: MachineSource): Promise<Known<BatteryState>> {
  const found = await batteries(source);
  if (found.length === 0) return { value: { present: false } };
  const charges = await Promise.all(found.map(({ folder }) => numberIn(source, `${folder}/capacity`)));
  const known = charges.filter((charge) => charge !== undefined && charge >= 0 && charge <= 100) as number[];
  const profile = await trimmedText(source, 'sys/firmware/acpi/platform_profile');
  return {
    value: {
      present: true,
      discharging: found.some(({ isDischarging }) => isDischarging),
      chargePercent:
        known.length === 0
          ? unknown('the battery does not tell its charge')
          : reported(known.reduce((sum, charge) => sum + charge, 0) / known.length),
      ...(profile === undefined ? {} : { isSavingPower: profile === 'low-power' }),
    },
  };
}
