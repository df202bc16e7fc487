import { type PluginModule, specVersions } from '@shoal/core';
import { referenceBackend } from './backend.js';

export { referenceBackend, referenceBackendWorker } from './backend.js';
export { ReferenceExecutable } from './executable.js';

const plugin: PluginModule<'backend', Record<string, never>> = {
  kind: 'backend',
  name: 'reference',
  specVersion: specVersions.backend,
  create: () => referenceBackend(),
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
