import type { DeviceReport, MachineReport } from 'shoal';
import { deviceLines } from 'shoal/internal/command/commands/devices.js';
import { machineLines } from 'shoal/internal/command/commands/machines.js';
import { conditionFindings } from 'shoal/internal/doctor/conditions.js';
import { describeRates } from 'shoal/internal/doctor/rates.js';
import t from 'tap';

const measured = (value: number) => ({ value, source: 'measured' }) as const;
const reported = (value: number) => ({ value, source: 'operating-system' }) as const;
const gibibyte = 2 ** 30;

const device: DeviceReport = {
  backend: 'cpu',
  deviceId: 'cpu',
  kind: 'cpu',
  name: 'AMD EPYC',
  memoryTotalBytes: reported(16 * gibibyte),
  memoryAvailableBytes: reported(12 * gibibyte),
  memoryBandwidthBytesPerSecond: measured(20 * gibibyte),
  operationOverheadMicroseconds: measured(1.26),
  rates: [
    {
      storage: 'bf16',
      decodeBytesPerSecond: measured(20 * gibibyte),
      prefillOperationsPerSecond: measured(155e9),
      oneCore: { decodeBytesPerSecond: measured(15 * gibibyte), prefillOperationsPerSecond: { unknown: 'no time' } },
    },
    { storage: 'q4_0', decodeBytesPerSecond: measured(8 * gibibyte), prefillOperationsPerSecond: measured(6.5e9) },
  ],
};

const conditions: NonNullable<MachineReport['conditions']> = {
  readAt: 1,
  loadByOthers: measured(0.12),
  temperature: { celsius: reported(54.4), sensor: 'coretemp Package id 0', limitCelsius: 100 },
  heat: { throttled: { value: false }, speedFactor: { unknown: 'not told' } },
  power: { watts: measured(31.46), sensor: 'processor package (RAPL)' },
  battery: { value: { present: true, discharging: true, chargePercent: reported(80) } },
};

t.test('devices as people read them', async (t) => {
  t.same(deviceLines([device]), [
    'cpu: AMD EPYC; 12.0 GiB of 16.0 GiB memory to use',
    '  weights  decode      prefill      decode, one core  prefill, one core',
    '  bf16     20.0 GiB/s  155 GFLOP/s  15.0 GiB/s        unknown: no time',
    '  q4_0     8.00 GiB/s  6.5 GFLOP/s  -                 -',
    '  an operation costs 1.3 µs beside its weights',
  ]);
  t.same(deviceLines([{ backend: 'cuda', deviceId: 'cuda0', unavailable: 'no driver' }]), ['cuda/cuda0: no driver']);
  const { rates: _, operationOverheadMicroseconds: __, ...unmeasured } = device;
  t.match(deviceLines([{ ...unmeasured, problem: 'models run on this node' }]), [
    /EPYC/,
    /not measured yet: `shoal devices --measure`/,
    /^ {2}models run on this node$/,
  ]);
  t.equal(
    describeRates({ ...device, problem: 'q8_0 could not be measured: it is busy' }),
    'decodes 20.0 GiB/s of bf16, 8.00 GiB/s of q4_0; reads prompts at 155 GFLOP/s with bf16, 7 GFLOP/s with q4_0; ' +
      'not all of its speed is known: q8_0 could not be measured: it is busy',
  );
});

t.test('machines as people read them', async (t) => {
  const report: MachineReport = {
    nodeId: 'x',
    nodeName: 'anna',
    machineId: 'm',
    machine: {
      processor: {
        name: { value: 'AMD EPYC' },
        logicalCores: reported(8),
        physicalCores: reported(4),
        usableCores: reported(2),
        usableCoresLimit: 'a quota of 2.5 cores of control group /a',
        instructionSets: { value: ['avx2'] },
        lastLevelCacheBytes: { unknown: 'not told' },
      },
      memory: {
        totalBytes: reported(16 * gibibyte),
        freeBytes: reported(12 * gibibyte),
        processTotalBytes: reported(4 * gibibyte),
        processAvailableBytes: reported(3 * gibibyte),
        limits: [{ name: 'control group /a', totalBytes: 4 * gibibyte, availableBytes: 3 * gibibyte }],
      },
    },
    conditions,
    derating: { factor: 0.6, reason: 'on battery at 80 %' },
    devices: [],
  };
  t.same(machineLines(report), [
    'anna (plans count on 60 % of its speed)',
    '  processor  AMD EPYC; 2 cores to use (a quota of 2.5 cores of control group /a)',
    '  memory     3.00 GiB of 4.00 GiB to use (control group /a)',
    '  condition  12 % busy with other programs, 54 °C (coretemp Package id 0), not slowed down by heat, ' +
      '31.5 W (processor package (RAPL)), on battery at 80 %',
  ]);
  t.same(machineLines({ nodeId: 'y', nodeName: 'otto', devices: [], silent: 'does not answer' }), [
    'otto: does not answer',
  ]);
});

t.test('the doctor warns of what slows the machine down', async (t) => {
  t.match(conditionFindings(conditions), [
    { status: 'warning', message: /: on battery at 80 %$/, remedy: /60 % of its speed/ },
  ]);
  const calm = { ...conditions, battery: { unknown: 'pmset cannot be run' } };
  t.match(conditionFindings(calm), [{ status: 'ok', message: /; unknown: battery \(pmset cannot be run\)$/ }]);
});
