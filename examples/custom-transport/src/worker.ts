import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { exampleTransportWorker } from './worker-half.js';

/** What the worker process of a shard loads. */
const plugin: PluginWorkerModule<'transport'> = {
  kind: 'transport',
  name: 'example',
  specVersion: specVersions.transport,
  create: () => exampleTransportWorker(),
};

export default plugin;
