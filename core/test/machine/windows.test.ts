import { MachineMonitor, type MachineSource, readMachineFacts } from '@shoal/core';
import t from 'tap';

function windows(answer: string | undefined, asked: string[][] = []): MachineSource {
  return {
    platform: 'win32',
    text: async () => undefined,
    names: async () => [],
    output: async (program, args) => {
      asked.push([program, ...args]);
      return answer;
    },
  };
}

const laptop = JSON.stringify({
  totalKiB: 16_600_000,
  freeKiB: 6_100_000,
  commitFreeKiB: 4_000_000,
  name: '12th Gen Intel(R) Core(TM) i7-1260P   ',
  logical: 16,
  cores: 12,
  l3KiB: 18432,
  batteries: [{ BatteryStatus: 1, EstimatedChargeRemaining: 43 }],
  zones: [
    { Name: '\\_SB.PC00.LPCB.TZ0', Temperature: 301, PercentPassiveLimit: 100, ThrottleReasons: 0 },
    { Name: '\\_TZ.TZ01', Temperature: 358, PercentPassiveLimit: 70, ThrottleReasons: 1 },
  ],
});
const desktop = JSON.stringify({
  totalKiB: 33_000_000,
  freeKiB: 20_000_000,
  commitFreeKiB: 40_000_000,
  name: 'AMD Ryzen 9 7950X',
  logical: 32,
  cores: 16,
  l3KiB: 0,
  batteries: [],
  zones: [],
});

t.test('facts of Windows', async (t) => {
  const asked: string[][] = [];
  t.match(await readMachineFacts(windows(laptop, asked)), {
    memory: {
      totalBytes: { value: 16_600_000 * 1024 },
      freeBytes: { value: 6_100_000 * 1024 },
      processAvailableBytes: { value: 4_000_000 * 1024 },
      limits: [{ name: /commit limit/ }],
    },
    processor: {
      name: { value: '12th Gen Intel(R) Core(TM) i7-1260P' },
      logicalCores: { value: 16 },
      physicalCores: { value: 12 },
      lastLevelCacheBytes: { value: 18432 * 1024 },
      instructionSets: { unknown: /backend/ },
    },
  });
  t.equal(asked.length, 1);
  t.match(asked[0]?.[0], /\\System32\\WindowsPowerShell\\v1\.0\\powershell\.exe$/, 'not whatever lies in PATH');
  t.match(await readMachineFacts(windows(desktop)), {
    memory: { processAvailableBytes: { value: 20_000_000 * 1024 }, limits: [] },
    processor: { lastLevelCacheBytes: { unknown: /cache/ } },
  });
});

t.test('conditions of Windows', async (t) => {
  const conditions = (answer: string | undefined) => new MachineMonitor({ source: windows(answer) }).conditions();
  t.match(await conditions(laptop), {
    temperature: { celsius: { value: 85 }, sensor: '\\_TZ.TZ01' },
    heat: { throttled: { value: true }, speedFactor: { value: 0.7 } },
    battery: { value: { present: true, discharging: true, chargePercent: { value: 43 } } },
    power: { watts: { unknown: /./ } },
  });
  t.match(await conditions(desktop), {
    temperature: { celsius: { unknown: /thermal zone/ } },
    heat: { throttled: { unknown: /./ } },
    battery: { value: { present: false } },
  });
});

t.test('what Windows does not answer is unknown with a reason', async (t) => {
  for (const [answer, reason] of [
    [undefined, /PowerShell cannot be run/],
    ['', /something else than JSON/],
    ['[1]', /something else than JSON/],
    ['<Objs Version="1.1.0.1">', /something else than JSON/],
  ] as const) {
    t.match(await readMachineFacts(windows(answer)), { memory: { totalBytes: { unknown: reason } } });
    const monitor = new MachineMonitor({ source: windows(answer) });
    t.match(await monitor.conditions(), {
      battery: { unknown: reason },
      temperature: { celsius: { unknown: reason } },
    });
  }
  t.match(await readMachineFacts(windows('{}')), { memory: { totalBytes: { unknown: /memory/ } } });
  const nulls = '{"totalKiB":null,"batteries":[{}],"zones":[{"Temperature":0}]}';
  const monitor = new MachineMonitor({ source: windows(nulls) });
  t.match(await monitor.conditions(), {
    battery: { value: { present: false } },
    temperature: { celsius: { unknown: /./ } },
  });
});

t.test('PowerShell is asked once in a while only', async (t) => {
  const asked: string[][] = [];
  let now = 0;
  const monitor = new MachineMonitor({ source: windows(laptop, asked), now: () => now });
  await monitor.conditions();
  now += 10_000;
  await monitor.conditions();
  t.equal(asked.length, 1);
  now += 60_000;
  await monitor.conditions();
  t.equal(asked.length, 2);
});
