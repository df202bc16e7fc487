import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { referenceBackendWorker } from './backend.js';

const plugin: PluginWorkerModule<'backend', Record<string, never>> = {
  kind: 'backend',
  name: 'reference',
  specVersion: specVersions.backend,
  create: () => referenceBackendWorker(),
};

export default plugin;
