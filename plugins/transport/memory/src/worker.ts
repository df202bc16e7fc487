import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { MemoryTransportWorker } from './memory-worker.js';

const plugin: PluginWorkerModule<'transport'> = {
  kind: 'transport',
  name: 'memory',
  specVersion: specVersions.transport,
  create: () => new MemoryTransportWorker(),
};

export default plugin;
