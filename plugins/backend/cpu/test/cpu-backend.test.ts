import { readFileSync } from 'node:fs';
import { cpu } from '@shoal/backend-cpu';
import { type Backend, describeWorkerPlugins, loadPlugins, WorkerPluginSet } from '@shoal/core';
import { measuringConformance } from '@shoal/core/conformance';
import t from 'tap';

async function load(options: Parameters<typeof cpu>[0] = {}) {
  return loadPlugins([cpu(options)], { resolveFrom: [import.meta.url] });
}

async function probe(options: Parameters<typeof cpu>[0] = {}) {
  const backend: Backend = (await load(options)).get('backend', 'cpu').host;
  const [properties] = await backend.probe();
  if (properties?.available !== true) throw new Error(properties?.reason);
  return properties;
}

t.test('the processor is a device with known memory', async (t) => {
  const properties = await probe();
  t.match(properties, { id: 'cpu', kind: 'cpu', name: String, features: Array });
  t.ok('value' in properties.memoryTotalBytes && 'value' in properties.memoryAvailableBytes);
  t.ok((properties.coreCount ?? 0) > 0);
});

t.test('options bound threads and memory', async (t) => {
  const properties = await probe({ threads: 1, memoryLimitBytes: 1_000_000 });
  t.equal(properties.coreCount, 1);
  t.same(properties.memoryAvailableBytes, { value: 1_000_000, source: 'table' });
  await t.rejects(load({ threads: 0 }), { code: 'PLUGIN_OPTIONS_INVALID', message: /options\/threads: must be >= 1/ });
});

t.test("it states what the native executor's own list has", async (t) => {
  const source = readFileSync(new URL('../../../../../crates/ggml/src/executor/backend.rs', import.meta.url), 'utf8');
  const list = /pub const OPERATIONS[^=]*= &\[([^\]]*)\]/.exec(source)?.[1] ?? '';
  const native = [...list.matchAll(/"([a-z0-9-]+)"/g)].map((match) => match[1]);
  const backend = (await load()).get('backend', 'cpu').host;
  t.same([...backend.capabilities.operations], native);
  t.ok((backend.capabilities.rowTile.q8_0 ?? 0) >= 1);
});

t.test('the worker half opens it', async (t) => {
  const plugins = await load({ threads: 1 });
  const worker = await new WorkerPluginSet(describeWorkerPlugins(plugins)).get('backend', 'cpu');
  const device = await worker.open('cpu', {});
  if (device.kind !== 'native') throw new Error(device.kind);
  t.ok(device.table > 0n);
  await device.close();
  await t.rejects(worker.open('cuda0', {}), { code: 'BACKEND_DEVICE_UNAVAILABLE', message: /no device "cuda0"/ });
});

t.test('it measures its kernels', async (t) => {
  const { host } = (await load()).get('backend', 'cpu');
  for (const { name, run } of measuringConformance(host)) t.test(name, run);
});

t.test('a processor with one thread has one rate for one core and for all', async (t) => {
  const { host } = (await load({ threads: 1 })).get('backend', 'cpu');
  const measurement = await host.measure?.('cpu', { storageTypes: ['q4_0'] });
  const [rate] = measurement?.rates ?? [];
  if (rate === undefined || !('value' in rate.decodeBytesPerSecond)) throw new Error('it has none');
  t.same(rate.oneCore?.decodeBytesPerSecond, rate.decodeBytesPerSecond);
  t.same(measurement?.memoryBandwidthBytesPerSecond, rate.decodeBytesPerSecond);
});

t.test('a measurement under way can be given up', async (t) => {
  const { host } = (await load()).get('backend', 'cpu');
  const types = [...host.capabilities.storageTypes, ...host.capabilities.storageTypes];
  const measuring = host.measure?.('cpu', { storageTypes: types, signal: AbortSignal.timeout(300) });
  await t.rejects(
    Promise.resolve(measuring).then(() => undefined),
    { code: 'ABORTED' },
  );
});
