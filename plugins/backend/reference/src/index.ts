import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { referenceBackend } from './backend.js';

export { referenceBackend, referenceBackendWorker } from './backend.js';
export { ReferenceExecutable } from './executable.js';

/** Computes in plain TypeScript and double precision, slowly: what others are compared with. */
export function reference(): PluginReference {
  return { module: '@shoal/backend-reference' };
}

const plugin: PluginModule<'backend', Record<string, never>> = {
  kind: 'backend',
  name: 'reference',
  specVersion: specVersions.backend,
  create: () => referenceBackend(),
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
