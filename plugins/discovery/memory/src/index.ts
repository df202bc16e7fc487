import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { MemoryDiscovery } from './memory-discovery.js';

export interface MemoryDiscoveryOptions {
  /** Nodes in rooms of different names do not see each other. */
  readonly room: string;
}

/** Nodes of one process find each other: `createCluster([memoryDiscovery(), …])`. */
export function memoryDiscovery(options: Partial<MemoryDiscoveryOptions> = {}): PluginReference {
  return { module: '@shoal/discovery-memory', options: { ...options } };
}

const plugin: PluginModule<'discovery', MemoryDiscoveryOptions> = {
  kind: 'discovery',
  name: 'memory',
  specVersion: specVersions.discovery,
  optionsSchema: {
    type: 'object',
    properties: { room: { type: 'string', minLength: 1, default: 'default' } },
    additionalProperties: false,
  },
  create: ({ room }) => new MemoryDiscovery(room),
};

export default plugin;
