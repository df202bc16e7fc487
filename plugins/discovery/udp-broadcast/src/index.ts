import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { type UdpBroadcastOptions, udpBroadcastOptionsSchema } from './options.js';
import { UdpBroadcastDiscovery } from './udp-broadcast-discovery.js';

export type { UdpBroadcastOptions } from './options.js';

/** Finds nodes by broadcast: `createCluster([udpBroadcast(), …], { listen: ['0.0.0.0'] })`. */
export function udpBroadcast(options: Partial<UdpBroadcastOptions> = {}): PluginReference {
  return { module: '@shoal/discovery-udp-broadcast', options: { ...options } };
}

const plugin: PluginModule<'discovery', UdpBroadcastOptions> = {
  kind: 'discovery',
  name: 'udp-broadcast',
  specVersion: specVersions.discovery,
  optionsSchema: udpBroadcastOptionsSchema,
  create: (options, { log }) => new UdpBroadcastDiscovery(options, log),
};

export default plugin;
