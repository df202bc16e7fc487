import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { MemoryTransport } from './memory-transport.js';

/**
 * Carries activations between members of one process, in plain TypeScript: `createCluster([memoryTransport(), …])`.
 * Members then run in the program's own process.
 */
export function memoryTransport(): PluginReference {
  return { module: '@shoal/transport-memory', isolation: 'none' };
}

const plugin: PluginModule<'transport'> = {
  kind: 'transport',
  name: 'memory',
  specVersion: specVersions.transport,
  workerModule: import.meta.resolve('./worker.js'),
  create: () => new MemoryTransport(),
};

export default plugin;
