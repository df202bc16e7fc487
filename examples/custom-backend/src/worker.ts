import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { exampleBackendWorker } from './backend.js';

/** What the worker process of a shard loads. */
const plugin: PluginWorkerModule<'backend'> = {
  kind: 'backend',
  name: 'example',
  specVersion: specVersions.backend,
  create: () => exampleBackendWorker(),
};

export default plugin;
