import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { MdnsDiscovery } from './mdns-discovery.js';
import { type MdnsOptions, mdnsOptionsSchema } from './options.js';

export type { MdnsOptions } from './options.js';

/** Finds the nodes of the same cluster on the local network: `createCluster([mdns(), …], { listen: ['0.0.0.0'] })`. */
export function mdns(options: Partial<MdnsOptions> = {}): PluginReference {
  return { module: '@shoal/discovery-mdns', options: { ...options } };
}

const plugin: PluginModule<'discovery', MdnsOptions> = {
  kind: 'discovery',
  name: 'mdns',
  specVersion: specVersions.discovery,
  optionsSchema: mdnsOptionsSchema,
  create: (options, { log }) => new MdnsDiscovery(options, log),
};

export default plugin;
