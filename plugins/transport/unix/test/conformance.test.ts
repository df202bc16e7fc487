import { existsSync, readdirSync } from 'node:fs';
import { transportConformance } from '@shoal/core/conformance';
import { probeChannels } from '@shoal/engine-node/testing';
import plugin from '@shoal/transport-unix';
import workerPlugin from '@shoal/transport-unix/worker';
import t from 'tap';

t.test('conformance', async (t) => {
  // Short: Unix sockets allow about a hundred bytes for a path.
  const socketDirectory = t.testdir();
  const options = socketDirectory.length < 60 ? { socketDirectory } : {};
  const peerModule = { url: import.meta.resolve('@shoal/transport-unix/worker'), options };
  const host = await plugin.create(options, { log: () => undefined });
  const worker = await workerPlugin.create(options);
  for (const { name, run } of transportConformance({ host, worker, probe: probeChannels, peerModule })) {
    await t.test(name, run);
  }
  const left = existsSync(socketDirectory) ? readdirSync(socketDirectory) : [];
  // The killed peer cannot remove its own.
  t.ok(left.length <= 1, `sockets are left behind: ${left.join(', ')}`);
});

t.test('it reaches this machine only, wherever the node listens', async (t) => {
  const worker = await workerPlugin.create({});
  const credentials = { instance: '0123456789abcdef', epoch: 1, secret: 'ab'.repeat(32) };
  const listener = await worker.listen({ credentials, self: { stage: 0, member: 0 }, bindAddress: '0.0.0.0' });
  t.teardown(() => listener.close());
  const { addresses } = listener.endpoint as unknown as { addresses: string[] };
  t.equal(addresses.length, 1);
  t.match(addresses[0], process.platform === 'win32' ? /^tcp:127\.0\.0\.1:/ : /^unix:/);
});
