import { readFileSync } from 'node:fs';
import { cpu } from '@shoal/backend-cpu';
import { type Backend, describeWorkerPlugins, loadPlugins, WorkerPluginSet } from '@shoal/core';
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
