/** Everybody this node knows of, as programs and other nodes are told. */
import type { Peers } from '../control/peers.js';
import type { NodeSummary } from './facts.js';
import type { NodeSettings } from './settings.js';

/** This node first, then its peers, then those that were refused. */
export function nodeList(settings: NodeSettings, addresses: readonly string[], peers: Peers): NodeSummary[] {
  const { nodeId, nodeName } = settings;
  return [
    { nodeId, nodeName, softwareVersion: settings.softwareVersion, addresses, state: 'self' },
    ...peers.list().map(
      (peer): NodeSummary => ({
        nodeId: peer.nodeId,
        nodeName: peer.nodeName,
        softwareVersion: peer.softwareVersion,
        addresses: peer.addresses,
        state: peer.stalled ? 'stalled' : 'connected',
      }),
    ),
    ...peers.refused().map(
      ({ address, code, message }): NodeSummary => ({
        nodeId: '',
        nodeName: '',
        softwareVersion: '',
        addresses: [address],
        state: 'refused',
        code,
        message,
      }),
    ),
  ];
}
