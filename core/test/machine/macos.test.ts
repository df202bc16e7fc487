import { MachineMonitor, type MachineSource, readMachineFacts } from '@shoal/core';
import t from 'tap';

/** macOS as its programs print it, by program and arguments. */
function macos(outputs: Readonly<Record<string, string>>): MachineSource {
  return {
    platform: 'darwin',
    text: async () => undefined,
    names: async () => [],
    output: async (program, args) => outputs[[program, ...args].join(' ')],
  };
}

const sysctlArm = `hw.ncpu: 12
hw.byteorder: 1234
hw.memsize: 34359738368
hw.activecpu: 12
hw.perflevel0.physicalcpu: 8
hw.perflevel0.l2cachesize: 16777216
hw.perflevel1.l2cachesize: 4194304
hw.optional.arm.FEAT_BF16: 1
hw.optional.arm.FEAT_I8MM: 1
hw.optional.arm.FEAT_SME: 0
hw.optional.floatingpoint: 1
hw.physicalcpu: 12
hw.logicalcpu: 12
hw.l1dcachesize: 65536
hw.l2cachesize: 4194304
machdep.cpu.cores_per_package: 12
machdep.cpu.brand_string: Apple M2 Max
`;

const sysctlIntel = `hw.ncpu: 16
hw.physicalcpu: 8
hw.logicalcpu: 16
hw.l2cachesize: 262144
hw.l3cachesize: 16777216
machdep.cpu.brand_string: Intel(R) Core(TM) i9-9880H CPU @ 2.30GHz
machdep.cpu.features: FPU VME SSE4.2 AVX1.0
machdep.cpu.leaf7_features: RDWRFSGS AVX2 BMI1
machdep.cpu.extfeatures: SYSCALL XD
`;

const vmStat = `Mach Virtual Memory Statistics: (page size of 16384 bytes)
Pages free:                              100000.
Pages active:                            700000.
Pages inactive:                          300000.
Pages speculative:                        50000.
Pages throttled:                              0.
Pages wired down:                        250000.
Pages purgeable:                          12000.
"Translation faults":                4242424242.
Pages stored in compressor:              123456.
`;

t.test('memory and processor of a Mac', async (t) => {
  const arm = await readMachineFacts(
    macos({
      '/usr/sbin/sysctl -n hw.memsize': '34359738368\n',
      '/usr/bin/vm_stat': vmStat,
      '/usr/sbin/sysctl hw machdep.cpu': sysctlArm,
    }),
  );
  t.match(arm, {
    memory: {
      totalBytes: { value: 34359738368 },
      freeBytes: { value: 450_000 * 16384 },
      processAvailableBytes: { value: 450_000 * 16384 },
      limits: [],
    },
    processor: {
      name: { value: 'Apple M2 Max' },
      logicalCores: { value: 12 },
      physicalCores: { value: 12 },
      usableCores: { value: 12 },
      instructionSets: { value: ['FEAT_BF16', 'FEAT_I8MM'] },
      lastLevelCacheBytes: { value: 16777216 },
    },
  });
  const intel = await readMachineFacts(macos({ '/usr/sbin/sysctl hw machdep.cpu': sysctlIntel }));
  t.match(intel, {
    memory: { totalBytes: { unknown: /hw.memsize/ } },
    processor: {
      name: { value: /i9/ },
      physicalCores: { value: 8 },
      logicalCores: { value: 16 },
      instructionSets: { value: ['FPU', 'VME', 'SSE4.2', 'AVX1.0', 'RDWRFSGS', 'AVX2', 'BMI1', 'SYSCALL', 'XD'] },
      lastLevelCacheBytes: { value: 16777216 },
    },
  });
  const { processor } = await readMachineFacts(macos({}));
  t.match(processor, { name: { unknown: /sysctl/ }, instructionSets: { unknown: /sysctl/ } });
});

const therm = (speed: number) => `2026-11-28 09:12:01 +0000 CPU Power notify
	CPU_Scheduler_Limit 	= 100
	CPU_Available_CPUs 	= 16
	CPU_Speed_Limit 	= ${speed}
`;
const calm = `Note: No thermal warning level has been recorded
Note: No performance warning level has been recorded
Note: No CPU power status has been recorded
`;

t.test('heat and battery of a Mac', async (t) => {
  const cases = [
    {
      name: 'a laptop on battery that saves power',
      outputs: {
        '/usr/bin/pmset -g batt':
          "Now drawing from 'Battery Power'\n -InternalBattery-0 (id=4653155)\t85%; discharging; 5:07 remaining present: true\n",
        '/usr/bin/pmset -g':
          'System-wide power settings:\nCurrently in use:\n standby              1\n lowpowermode         1\n',
        '/usr/bin/pmset -g therm': calm,
      },
      expected: {
        battery: {
          value: { present: true, discharging: true, chargePercent: { value: 85 }, isSavingPower: true },
        },
        heat: { throttled: { value: false }, speedFactor: { value: 1 } },
        temperature: { celsius: { unknown: /privileged/ } },
        power: { watts: { unknown: /privileged/ } },
      },
    },
    {
      name: 'a hot laptop on mains',
      outputs: {
        '/usr/bin/pmset -g batt':
          "Now drawing from 'AC Power'\n -InternalBattery-0 (id=22151267)\t100%; charged; 0:00 remaining present: true\n",
        '/usr/bin/pmset -g therm': therm(68),
      },
      expected: {
        battery: { value: { present: true, discharging: false, chargePercent: { value: 100 } } },
        heat: { throttled: { value: true }, speedFactor: { value: 0.68 } },
      },
    },
    {
      name: 'a desktop',
      outputs: { '/usr/bin/pmset -g batt': "Now drawing from 'AC Power'\n", '/usr/bin/pmset -g therm': therm(100) },
      expected: {
        battery: { value: { present: false } },
        heat: { throttled: { value: false }, speedFactor: { value: 1 } },
      },
    },
    {
      name: 'a warning that says no number',
      outputs: { '/usr/bin/pmset -g therm': 'Thermal Warning Level = 1\n' },
      expected: {
        battery: { unknown: /pmset/ },
        heat: { throttled: { value: true }, speedFactor: { unknown: /how far/ } },
      },
    },
    {
      name: 'nothing answers',
      outputs: {},
      expected: { battery: { unknown: /./ }, heat: { throttled: { unknown: /./ } } },
    },
    {
      name: 'other words',
      outputs: { '/usr/bin/pmset -g batt': 'pmset: usage\n', '/usr/bin/pmset -g therm': 'nonsense' },
      expected: { battery: { unknown: /./ }, heat: { speedFactor: { unknown: /./ } } },
    },
  ];
  for (const { name, outputs, expected } of cases) {
    const monitor = new MachineMonitor({ source: macos(outputs as Record<string, string>) });
    t.match(await monitor.conditions(), expected, name);
  }
});
