import { knownValue, MachineMonitor, systemSource } from '@shoal/core';
import t from 'tap';

const unknown = { unknown: 'absent' };

type Folder = { [name: string]: string | Folder };

const monitorOf = (root: string) => new MachineMonitor({ source: systemSource({ root }) });

t.test('sensors of Linux', async (t) => {
  const chip = (name: string, files: Folder): Folder => ({ name: `${name}\n`, ...files });
  const zone = (type: string, celsius: number, trips: Record<string, number> = {}): Folder => ({
    type: `${type}\n`,
    temp: `${celsius * 1000}\n`,
    ...Object.fromEntries(
      Object.entries(trips).flatMap(([kind, at], index) => [
        [`trip_point_${index}_type`, `${kind}\n`],
        [`trip_point_${index}_temp`, `${at * 1000}\n`],
      ]),
    ),
  });
  const cases: readonly { readonly name: string; readonly sys: Folder; readonly expected: object }[] = [
    {
      name: 'a machine without sensors',
      sys: {},
      expected: {
        temperature: { celsius: { unknown: /no temperature sensor/ } },
        heat: { throttled: { unknown: /throttling/ }, speedFactor: { unknown: /./ } },
        power: { watts: { unknown: /no power sensor/ } },
        battery: { value: { present: false } },
      },
    },
    {
      name: 'the hottest sensor of the processor, not that of the disk',
      sys: {
        class: {
          hwmon: {
            hwmon0: chip('nvme', { temp1_input: '91000' }),
            hwmon1: chip('coretemp', {
              temp1_input: '61000',
              temp1_label: 'Package id 0',
              temp1_crit: '100000',
              temp1_max: '80000',
              temp2_input: '72000',
              temp2_label: 'Core 0',
              temp2_crit: '100000',
              temp3_input: '-128000',
            }),
          },
        },
      },
      expected: { temperature: { celsius: { value: 72 }, sensor: 'coretemp Core 0', limitCelsius: 100 } },
    },
    {
      name: 'thermal zones, where there is no such chip',
      sys: {
        class: {
          thermal: {
            thermal_zone0: zone('acpitz', 40),
            thermal_zone1: zone('cpu-thermal', 82, { passive: 80, critical: 110 }),
            thermal_zone2: zone('gpu-thermal', 99),
          },
        },
      },
      expected: {
        temperature: { celsius: { value: 82 }, sensor: 'thermal zone cpu-thermal', limitCelsius: 80 },
        heat: { throttled: { value: true } },
      },
    },
    {
      name: 'cooling devices: a fan costs no speed, a processor state does',
      sys: {
        class: {
          thermal: {
            cooling_device0: { type: 'Fan\n', cur_state: '4\n' },
            cooling_device1: { type: 'Processor\n', cur_state: '0\n' },
            cooling_device2: { type: 'intel_powerclamp\n', cur_state: '-1\n' },
          },
        },
      },
      expected: { heat: { throttled: { value: false } } },
    },
    {
      name: 'a cooling device in use',
      sys: { class: { thermal: { cooling_device1: { type: 'cpufreq-cpu0\n', cur_state: '3\n' } } } },
      expected: { heat: { throttled: { value: true } } },
    },
    {
      name: 'a laptop on battery beside a mouse',
      sys: {
        class: {
          power_supply: {
            AC: { type: 'Mains\n', online: '0\n' },
            BAT0: { type: 'Battery\n', status: 'Discharging\n', capacity: '64\n', power_now: '18500000\n' },
            hid: { type: 'Battery\n', scope: 'Device\n', status: 'Discharging\n', capacity: '3\n' },
          },
        },
        firmware: { acpi: { platform_profile: 'low-power\n' } },
      },
      expected: {
        battery: {
          value: { present: true, discharging: true, chargePercent: { value: 64 }, isSavingPower: true },
        },
        power: { watts: { value: 18.5, source: 'driver' }, sensor: 'battery' },
      },
    },
    {
      name: 'a full battery on mains that does not tell its charge',
      sys: { class: { power_supply: { BAT1: { type: 'Battery\n', status: 'Not charging\n' } } } },
      expected: { battery: { value: { present: true, discharging: false, chargePercent: { unknown: /charge/ } } } },
    },
    {
      name: 'the power of a package by hwmon',
      sys: { class: { hwmon: { hwmon0: chip('zenpower', { power1_input: '45500000' }) } } },
      expected: { power: { watts: { value: 45.5 }, sensor: 'zenpower' } },
    },
  ];
  for (const { name, sys, expected } of cases) {
    const root = t.testdir({ sys } as Parameters<typeof t.testdir>[0]);
    t.match(await monitorOf(root).conditions(), expected, name);
  }
});

/** A machine whose files the test changes between looks. */
function movingMachine() {
  const files = new Map<string, string>();
  let now = 1_000_000;
  const names = (folder: string) => {
    const below = [...files.keys()].filter((path) => path.startsWith(`${folder}/`));
    return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))];
  };
  const monitor = new MachineMonitor({
    source: {
      platform: 'linux',
      text: async (path) => files.get(path),
      names: async (folder) => names(folder),
      output: async () => undefined,
    },
    ownProcessIds: () => [77],
    now: () => now,
  });
  return {
    files,
    monitor,
    pass: (milliseconds: number) => {
      now += milliseconds;
    },
  };
}

t.test('load is what others compute', async (t) => {
  const { files, monitor, pass } = movingMachine();
  // user nice system idle iowait irq softirq steal guest, in hundredths of a second
  files.set('proc/stat', 'cpu  1000 0 0 3000 100 0 0 0 900\ncpu0 1 2 3\n');
  files.set('proc/77/stat', '77 (a (strange) name) S 1 1 1 0 -1 0 0 0 0 0 100 50 0 0 20 0 1');
  t.match((await monitor.conditions()).loadByOthers, { unknown: /watched/ });
  pass(10_000);
  // Four cores over ten seconds: 20 s of 40 busy, of them 11 by the worker.
  files.set('proc/stat', 'cpu  2500 0 300 4500 600 0 0 200 900\n');
  files.set('proc/77/stat', '77 (a (strange) name) S 1 1 1 0 -1 0 0 0 0 0 1000 250 0 0 20 0 1');
  const { loadByOthers, loadByNode = unknown } = await monitor.conditions();
  if ('unknown' in loadByOthers) throw new Error(loadByOthers.unknown);
  if ('unknown' in loadByNode) throw new Error(loadByNode.unknown);
  // This very process has computed for some milliseconds, too.
  t.ok(loadByOthers.value > 0.1 && loadByOthers.value <= 9 / 40, `${loadByOthers.value}`);
  t.ok(loadByNode.value >= 11 / 40 && loadByNode.value < 0.4, `${loadByNode.value}`);
  pass(10_000);
  // It has ended since: what it had computed stays the node's.
  files.delete('proc/77/stat');
  files.set('proc/stat', 'cpu  2500 0 300 8500 600 0 0 200 900\n');
  const after = await monitor.conditions();
  t.ok((knownValue(after.loadByOthers) ?? 1) <= 9 / 80, `${JSON.stringify(after.loadByOthers)}`);
  t.ok((knownValue(after.loadByNode ?? unknown) ?? 0) >= 0.137, `${JSON.stringify(after.loadByNode)}`);
  pass(60_000);
  t.match((await monitor.conditions()).loadByOthers, { unknown: /watched/ }, 'what is long ago does not count');
});

t.test('power and throttling are what was counted since the last look', async (t) => {
  const { files, monitor, pass } = movingMachine();
  files.set('sys/class/powercap/intel-rapl:0/name', 'package-0\n');
  files.set('sys/class/powercap/intel-rapl:0/energy_uj', '1000000\n');
  files.set('sys/class/powercap/intel-rapl:0:0/name', 'core\n');
  files.set('sys/class/powercap/intel-rapl:0:0/energy_uj', '900000\n');
  const counter = 'sys/devices/system/cpu/cpu0/thermal_throttle/package_throttle_count';
  files.set(counter, '41\n');
  t.match(await monitor.conditions(), { power: { watts: { unknown: /./ } }, heat: { throttled: { unknown: /./ } } });
  pass(2000);
  files.set('sys/class/powercap/intel-rapl:0/energy_uj', '85000000\n');
  t.match(await monitor.conditions(), {
    power: { watts: { value: 42, source: 'measured' }, sensor: /package/ },
    heat: { throttled: { value: false } },
  });
  pass(2000);
  files.set(counter, '44\n');
  t.match(await monitor.conditions(), { heat: { throttled: { value: true } } });
});

t.test('this machine is read without a fault', async (t) => {
  const monitor = new MachineMonitor();
  monitor.start();
  const conditions = await monitor.conditions();
  monitor.stop();
  t.ok(conditions.readAt > 0);
  t.match(conditions, { temperature: { celsius: Object }, heat: Object, power: Object, battery: Object });
});
