import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { DhtDiscovery } from './dht-discovery.js';
import { type DhtOptions, dhtOptionsSchema } from './options.js';

export type { DhtOptions } from './options.js';

/** Finds the members of the cluster through one of them: `createCluster([dht({ bootstrap: ['/ip4/…/tcp/4001'] }), …])`. */
export function dht(options: Partial<DhtOptions> = {}): PluginReference {
  return { module: '@shoal/discovery-dht', options: { ...options } };
}

const plugin: PluginModule<'discovery', DhtOptions> = {
  kind: 'discovery',
  name: 'dht',
  specVersion: specVersions.discovery,
  optionsSchema: dhtOptionsSchema,
  create: (options, { log }) => new DhtDiscovery(options, log),
};

export default plugin;
