import plugin, { referenceBackend, referenceBackendWorker } from '@shoal/backend-reference';
import workerPlugin from '@shoal/backend-reference/worker';
import { macroOperations, operationFields, specVersions } from '@shoal/core';
import t from 'tap';

t.test('the device is always there', async (test) => {
  const [device] = await referenceBackend().probe();
  test.match(device, { available: true, id: 'reference', kind: 'cpu' });
});

t.test('it runs the whole language', async (test) => {
  const { operations, storageTypes } = referenceBackend().capabilities;
  const language = Object.keys(operationFields).filter((name) => name !== 'replicate');
  test.same([...operations].sort(), language.sort());
  test.ok(macroOperations.every((name) => operations.includes(name)));
  test.ok(storageTypes.includes('f32'));
});

t.test('another device is refused', async (test) => {
  await test.rejects(referenceBackendWorker().open('cuda0', {}), { code: 'BACKEND_DEVICE_UNAVAILABLE' });
});

t.test('both halves are plugin modules', async (test) => {
  for (const half of [plugin, workerPlugin])
    test.match(half, { kind: 'backend', name: 'reference', specVersion: specVersions.backend });
});
