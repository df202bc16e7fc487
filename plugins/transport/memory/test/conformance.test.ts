import { transportConformance } from '@shoal/core/conformance';
import { probeChannels } from '@shoal/engine-node/testing';
import plugin from '@shoal/transport-memory';
import workerPlugin from '@shoal/transport-memory/worker';
import t from 'tap';

const host = await plugin.create({}, { log: () => undefined });
const worker = await workerPlugin.create({});
for (const { name, run } of transportConformance({ host, worker, probe: probeChannels })) t.test(name, run);
