import { type PluginModule, specVersions } from '@shoal/core';
import { exampleBackend } from './backend.js';

export { exampleBackend, exampleBackendWorker } from './backend.js';

/** What plugins.json loads in the node's process. */
const plugin: PluginModule<'backend'> = {
  kind: 'backend',
  name: 'example',
  specVersion: specVersions.backend,
  create: () => exampleBackend(),
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
