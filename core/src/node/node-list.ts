/** Everybody this node knows of, as programs and other nodes are told. */
import type { Peers } from '../control/peers.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterNode, ClusterState } from './cluster-state.js';
import type { NodeSummary } from './facts.js';
import type { NodeSettings } from './settings.js';

/** This node first, then its peers, then those that cannot be reached, then those that were refused. */
export function nodeList(
  settings: NodeSettings,
  addresses: readonly string[],
  peers: Peers,
  cluster?: ClusterState,
): NodeSummary[] {
  const { nodeId, nodeName } = settings;
  const agreed = (id: string) => standingOf(cluster?.nodes.find((one) => one.nodeId === id));
  return [
    {
      nodeId,
      nodeName,
      softwareVersion: settings.softwareVersion,
      addresses,
      state: 'self',
      ...agreed(nodeId),
    },
    ...peers.list().map(
      (peer): NodeSummary => ({
        nodeId: peer.nodeId,
        nodeName: peer.nodeName,
        softwareVersion: peer.softwareVersion,
        addresses: peer.addresses,
        state: peer.stalled ? 'stalled' : 'connected',
        ...(peer.caution === undefined ? {} : { message: peer.caution }),
        ...agreed(peer.nodeId),
      }),
    ),
    ...peers.unreachable().map((peer): NodeSummary => ({ ...peer, state: 'unreachable', ...agreed(peer.nodeId) })),
    ...peers
      .refused()
      .map(({ address, ...peer }): NodeSummary => ({ ...peer, addresses: [address], state: 'refused' })),
  ];
}

/** What the cluster agrees on about a node. */
function standingOf(node: ClusterNode | undefined): Partial<NodeSummary> {
  if (!node) return {};
  const { isLeader, seniority, cordoned, draining, paused } = node;
  return {
    isLeader,
    seniority,
    ...(cordoned === undefined ? {} : { cordoned }),
    ...(draining === undefined ? {} : { draining }),
    ...(paused === undefined ? {} : { paused }),
  };
}

/** Ids of the nodes that were named, by name or id. Throws ARGUMENT_INVALID for one that is not there. */
export function withoutNodes(
  nodes: readonly NodeSummary[],
  named: readonly string[],
  reason = 'the model is to do without it',
): ReadonlyMap<string, string> {
  const ids = named.flatMap((wanted) => {
    const found = nodes.filter(({ nodeId, nodeName }) => nodeId === wanted || nodeName === wanted);
    if (found.length > 0) return found.map(({ nodeId }) => nodeId);
    const message = `there is no node ${wanted}; there are ${nodes.map(({ nodeName }) => nodeName).join(', ')}`;
    throw new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'without', value: wanted } });
  });
  return new Map(ids.map((nodeId) => [nodeId, reason]));
}
