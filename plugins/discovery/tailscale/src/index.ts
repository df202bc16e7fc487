import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { type TailscaleOptions, tailscaleOptionsSchema } from './options.js';
import { TailscaleDiscovery } from './tailscale-discovery.js';

export type { TailscaleOptions } from './options.js';

/** Finds nodes on the machines of a tailnet: `createCluster([tailscale(), …], { listen: ['0.0.0.0:4001'] })`. */
export function tailscale(options: Partial<TailscaleOptions> = {}): PluginReference {
  return { module: '@shoal/discovery-tailscale', options: { ...options } };
}

const plugin: PluginModule<'discovery', TailscaleOptions> = {
  kind: 'discovery',
  name: 'tailscale',
  specVersion: specVersions.discovery,
  optionsSchema: tailscaleOptionsSchema,
  create: (options, { log }) => new TailscaleDiscovery(options, log),
};

export default plugin;
