import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { StaticDiscovery } from './static-discovery.js';

export interface StaticPeersOptions {
  /** Multiaddresses of control planes, for example `/ip4/192.168.1.20/tcp/7070` or the same with `/p2p/<peer id>`. */
  readonly peers?: readonly string[];
}

/** Finds the peers of a list: `createCluster([staticPeers({ peers: ['/ip4/192.168.1.20/tcp/7070'] }), …])`. */
export function staticPeers(options: StaticPeersOptions = {}): PluginReference {
  return { module: '@shoal/discovery-static', options: { ...options } };
}

const plugin: PluginModule<'discovery', Required<StaticPeersOptions>> = {
  kind: 'discovery',
  name: 'static',
  specVersion: specVersions.discovery,
  optionsSchema: {
    type: 'object',
    properties: {
      peers: {
        type: 'array',
        default: [],
        items: { type: 'string', pattern: '^(/[^/\\s]+)+$' },
        description: 'Multiaddresses of control planes.',
      },
    },
    additionalProperties: false,
  },
  create: ({ peers }) => new StaticDiscovery(peers),
};

export default plugin;
