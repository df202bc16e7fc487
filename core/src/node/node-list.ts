/** Everybody this node knows of, as programs and other nodes are told. */
import type { Peers } from '../control/peers.js';
import type { NodeSummary } from './facts.js';
import type { NodeSettings } from './settings.js';

/** This node first, then its peers, then those that cannot be reached, then those that were refused. */
export function nodeList(settings: NodeSettings, addresses: readonly string[], peers: Peers): NodeSummary[] {
  const { nodeId, nodeName, softwareVersion } = settings;
  return [
    { nodeId, nodeName, softwareVersion, addresses, state: 'self' },
    ...peers.list().map(
      (peer): NodeSummary => ({
        nodeId: peer.nodeId,
        nodeName: peer.nodeName,
        softwareVersion: peer.softwareVersion,
        addresses: peer.addresses,
        state: peer.stalled ? 'stalled' : 'connected',
        ...(peer.caution === undefined ? {} : { message: peer.caution }),
      }),
    ),
    ...peers.unreachable().map((peer): NodeSummary => ({ ...peer, state: 'unreachable' })),
    ...peers
      .refused()
      .map(({ address, ...peer }): NodeSummary => ({ ...peer, addresses: [address], state: 'refused' })),
  ];
}
