import { spawnSync } from 'node:child_process';
import { readdirSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir, userInfo } from 'node:os';
import { join } from 'node:path';
import { referenceBackend } from '@shoal/backend-reference';
import {
  type Backend,
  describePlugins,
  loadPlugins,
  type MachineSource,
  type MeasureOptions,
  type PlacementDevice,
  type StorageType,
  specVersions,
} from '@shoal/core';
import { DeviceRates } from '@shoal/core/internal/node/device-rates.js';
import { storageTypesToMeasure } from '@shoal/core/internal/node/storage-to-measure.js';
import t from 'tap';

/** A machine whose processors' times a test sets: quiet unless it says otherwise. */
function machine() {
  const times = { busy: 100, idle: 100 };
  const source: MachineSource = {
    platform: 'linux',
    text: async (path) => (path === 'proc/stat' ? `cpu  ${times.busy} 0 0 ${times.idle} 0 0 0 0\n` : undefined),
    names: async () => [],
    output: async () => undefined,
  };
  return { times, source };
}

interface Setup {
  readonly home: string;
  readonly measure?: Backend['measure'];
  readonly key?: string;
  readonly source?: MachineSource;
  readonly busyReason?: () => string | undefined;
}

async function setup({ home, measure, key = 'version 1', source = machine().source, busyReason }: Setup) {
  const asked: StorageType[] = [];
  const backend = referenceBackend();
  const host: Backend = {
    ...backend,
    measurementKey: () => key,
    measure: async (id, options: MeasureOptions) => {
      asked.push(...options.storageTypes);
      return (measure ?? (async () => backend.measure?.(id, options)))(id, options) as ReturnType<
        NonNullable<Backend['measure']>
      >;
    },
  };
  const plugins = await loadPlugins(
    [{ kind: 'backend', name: 'timed', specVersion: specVersions.backend, isolation: 'none', create: () => host }],
    { resolveFrom: [import.meta.url] },
  );
  const devices = (await host.probe()).map(
    (properties): PlacementDevice => ({ backend: 'timed', capabilities: host.capabilities, properties }),
  );
  const log: string[] = [];
  const rates = new DeviceRates({
    home,
    plugins,
    machine: source,
    log: (_level, message) => log.push(message),
    ...(busyReason === undefined ? {} : { busyReason }),
  });
  const measureNow = (types: readonly StorageType[], signal = AbortSignal.timeout(60_000)) =>
    rates.measure(devices, types, signal);
  return { asked, rates, devices, log, measureNow };
}

const storagesOf = (devices: readonly PlacementDevice[]) =>
  devices
    .flatMap(({ properties }) => (properties.available ? (properties.rates ?? []) : []))
    .map(({ storage }) => storage);

t.test('what is measured is kept, and asked for once', async (t) => {
  const home = t.testdir({});
  const first = await setup({ home });
  t.same(storagesOf(await first.rates.known(first.devices)), [], 'nothing is measured unasked');
  const [found] = await first.measureNow(['f32', 'q4_0']);
  t.match(found, { backend: 'timed', deviceId: 'reference', problem: undefined });
  t.same(first.asked, ['f32', 'q4_0']);
  const [device] = await first.rates.known(first.devices);
  t.match(device?.properties, {
    rates: [{ storage: 'f32', decodeBytesPerSecond: { value: Number, source: 'measured' } }, { storage: 'q4_0' }],
    operationOverheadMicroseconds: { value: Number },
  });
  await first.measureNow(['q4_0', 'bf16']);
  t.same(first.asked, ['f32', 'q4_0', 'bf16'], 'only what is missing');

  const second = await setup({ home });
  t.same(storagesOf(await second.rates.known(second.devices)), ['f32', 'q4_0', 'bf16'], 'another process');
  await second.measureNow(['f32']);
  t.same(second.asked, []);
  await second.rates.measure(second.devices, ['f32'], AbortSignal.timeout(60_000), { again: true });
  t.same(second.asked, ['f32'], 'unless it is to be measured again');

  const updated = await setup({ home, key: 'version 2' });
  t.same(storagesOf(await updated.rates.known(updated.devices)), [], 'another version of the libraries');
  t.same(readdirSync(home), ['device-rates.json'], 'nothing is left behind');
});

t.test('of attention the best is kept for each size of heads', async (t) => {
  const home = t.testdir({});
  let round = 0;
  const attention = (headSize: number, decode: number, prefill: number) => ({
    headSize,
    decodeOperationsPerSecond: { value: decode, source: 'measured' as const },
    prefillOperationsPerSecond: { value: prefill, source: 'measured' as const },
  });
  const rounds = [[attention(64, 3, 9), attention(128, 5, 5)], [attention(64, 4, 8)]];
  const { rates, devices, measureNow } = await setup({
    home,
    measure: async (id, options) => {
      const found =
        (await referenceBackend().measure?.(id, options)) ?? Promise.reject(new Error('it does not measure'));
      return { ...(await found), attention: rounds[round++] ?? [] };
    },
  });
  await measureNow(['f32', 'q4_0']);
  const expected = { attention: [attention(64, 4, 9), attention(128, 5, 5)] };
  t.match((await rates.known(devices))[0]?.properties, expected);
  const other = await setup({ home });
  t.match((await other.rates.known(other.devices))[0]?.properties, expected, 'by other processes, too');
});

t.test('two that ask at once measure once', async (t) => {
  const home = t.testdir({});
  const [one, two] = [await setup({ home }), await setup({ home })];
  await Promise.all([one.measureNow(['f32']), one.measureNow(['f32']), two.measureNow(['f32'])]);
  t.equal(one.asked.length + two.asked.length, 1);
});

t.test('a process that died while it measured holds nobody up', async (t) => {
  const { pid } = spawnSync(process.execPath, ['--version']);
  writeFileSync(join(tmpdir(), `shoal-measuring-${userInfo().username.replace(/\W/g, '-')}.lock`), String(pid));
  const { asked, measureNow } = await setup({ home: t.testdir({}) });
  await measureNow(['f32']);
  t.same(asked, ['f32']);
});

t.test('a machine that is busy with other programs is not judged by it', async (t) => {
  const { times, source } = machine();
  let isBusy = true;
  const { rates, devices, asked, log, measureNow } = await setup({
    home: t.testdir({}),
    source,
    measure: async (id, options) => {
      times.busy += isBusy ? 90 : 10;
      times.idle += isBusy ? 10 : 90;
      return (await referenceBackend().measure?.(id, options)) ?? Promise.reject(new Error('it does not measure'));
    },
  });
  const [found] = await measureNow(['f32']);
  t.match(found, { problem: /^f32 could not be measured: other programs keep \d\d % of the processors busy/ });
  t.same(storagesOf(await rates.known(devices)), []);
  t.match(log.at(-1), /processors busy$/);
  isBusy = false;
  const [again] = await measureNow(['f32']);
  t.match(again, { problem: /processors busy$/ }, 'it is left alone for a while');
  t.equal(asked.length, 1);
});

t.test('a machine that is busy already is not measured', async (t) => {
  let looks = 0;
  const source: MachineSource = {
    ...machine().source,
    text: async (path) => (path === 'proc/stat' ? `cpu  ${++looks * 100} 0 0 5 0 0 0 0\n` : undefined),
  };
  const { asked, measureNow } = await setup({ home: t.testdir({}), source });
  t.match(await measureNow(['f32', 'q4_0']), [{ problem: /^f32, q4_0 could not be measured: other programs keep/ }]);
  t.same(asked, []);
});

t.test('what cannot be measured has a reason', async (t) => {
  const home = t.testdir({});
  const busy = await setup({ home, busyReason: () => 'models run on this node' });
  t.match(await busy.measureNow(['f32']), [{ problem: 'models run on this node' }]);
  t.same(busy.asked, []);

  const broken = await setup({ home, measure: () => Promise.reject(new Error('the driver is gone')) });
  t.match(await broken.measureNow(['f32']), [{ problem: 'f32 could not be measured: the driver is gone' }]);

  const slow = await setup({
    home,
    measure: (_id, { signal }) =>
      new Promise((_resolve, reject) => signal?.addEventListener('abort', () => reject(new Error('aborted')))),
  });
  const controller = new AbortController();
  setTimeout(() => controller.abort(), 50);
  t.match(await slow.measureNow(['f32'], controller.signal), [{ problem: /no time left/ }]);
});

t.test('a file that is broken, or was tampered with, is as none', async (t) => {
  const home = t.testdir({});
  const { measureNow } = await setup({ home });
  await measureNow(['f32']);
  const path = join(home, 'device-rates.json');
  const whole = readFileSync(path, 'utf8');
  for (const text of [
    whole.slice(0, whole.length / 2),
    '[]',
    'null',
    '{"version":2,"entries":null}',
    whole.replace('"version": 2', '"version": 99'),
    whole.replace(/"value": [\d.]+/, '"value": -1'),
    whole.replace(/"decodeBytesPerSecond"/, '"other"'),
  ]) {
    writeFileSync(path, text);
    const { rates, devices } = await setup({ home });
    t.same(storagesOf(await rates.known(devices)), [], text.slice(0, 40));
  }
});

t.test('storage types that are worth measuring', async (t) => {
  const mebibyte = 2 ** 20;
  const model = (parts: readonly (readonly [string, number, number?])[]) => ({
    tensors: new Map(
      parts.map(([storage, size, axes = 2], index) => [
        `t${index}`,
        {
          name: `t${index}`,
          storage: storage as StorageType,
          shape: Array<number>(axes).fill(8),
          byteLength: size * mebibyte,
        },
      ]),
    ),
  });
  const whole = model([
    ['q4_0', 600],
    ['q6_k', 100],
    ['f32', 30],
    ['f32', 300, 1],
  ]);
  t.same(storageTypesToMeasure(whole, {}), ['q4_0', 'q6_k'], 'the largest first, vectors and small parts not at all');
  t.same(storageTypesToMeasure(model([['bf16', 60]]), {}), [], 'a small model');
  t.same(storageTypesToMeasure(whole, { storage: { matrix: 'q8_0', embedding: 'q8_0' } }), ['q8_0']);
  t.same(storageTypesToMeasure(whole, { storage: { matrix: 'q8_0', embedding: 'as-stored' } }), [
    'q8_0',
    'q4_0',
    'q6_k',
  ]);
});

t.test('a device tells how it fares, where its library does', async (t) => {
  const celsius = { value: 71, source: 'driver' } as const;
  const unknown = { unknown: 'the driver does not tell' };
  const telemetry = { temperatureCelsius: celsius, powerWatts: unknown, speedFactor: unknown };
  for (const [answer, expected] of [
    [async () => telemetry, telemetry],
    [async () => undefined, undefined],
    [() => Promise.reject(new Error('the driver is gone')), undefined],
  ] as const) {
    const host: Backend = { ...referenceBackend(), telemetry: answer };
    const plugins = await loadPlugins(
      [{ kind: 'backend', name: 'hot', specVersion: specVersions.backend, isolation: 'none', create: () => host }],
      { resolveFrom: [import.meta.url] },
    );
    const { devices } = await describePlugins(plugins, { withDevices: true, log: () => undefined });
    const [device] = devices;
    t.same(device?.properties.available === true ? device.properties.telemetry : 'absent', expected);
  }
});
