import { transportConformance } from '@shoal/core/conformance';
import { probeChannels } from '@shoal/engine-node/testing';
import plugin from '@shoal/transport-tcp';
import workerPlugin from '@shoal/transport-tcp/worker';
import t from 'tap';

const url = import.meta.resolve('@shoal/transport-tcp/worker');

// Unix sockets, the third kind, have a package and a run of their own.
for (const kind of ['tcp', 'tls'] as const) {
  t.test(kind, async (t) => {
    const options = { kind };
    const host = await plugin.create(options, { log: () => undefined });
    const worker = await workerPlugin.create(options);
    const suite = transportConformance({ host, worker, probe: probeChannels, peerModule: { url, options } });
    for (const { name, run } of suite) await t.test(name, run);
  });
}
