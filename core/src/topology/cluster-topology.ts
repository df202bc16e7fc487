/** The cluster as a graph: nodes and their devices, joined by links of known kinds. */
import type { FailedLink } from '../links/link-report.js';
import type { NetworkInterface } from '../links/network-interface.js';
import type { DeviceKind } from '../spec/backend.js';
import type { DevicePath, DevicePaths, Link, LinkKind } from '../spec/link.js';
import { DirectedMultigraph, type NodeIndex } from './directed-multigraph.js';

export interface TopologyDevice {
  readonly backend: string;
  readonly deviceId: string;
  readonly kind: DeviceKind;
  readonly name: string;
  /** Where `TopologyNode.devicePaths` has it; absent: it is on no bus, or its backend does not tell. */
  readonly pciAddress?: string;
}

export interface TopologyNode {
  readonly nodeId: string;
  readonly nodeName: string;
  /** Equal for nodes on one machine; absent where the node did not answer. */
  readonly machineId?: string;
  readonly interfaces: readonly NetworkInterface[];
  readonly devices: readonly TopologyDevice[];
  /** How the machine's devices are joined within it, as its system and drivers tell; absent where it did not answer. */
  readonly devicePaths?: DevicePaths;
  /** Why nothing more is known of it. */
  readonly silent?: string;
}

/** Everything that is known of how the cluster hangs together; JSON. */
export interface ClusterTopology {
  /** The node that answers first. */
  readonly nodes: readonly TopologyNode[];
  /** Directed; parallel ones where several interfaces are joined. */
  readonly links: readonly Link[];
  /** Paths between interfaces that were tried in vain. */
  readonly failures: readonly FailedLink[];
}

export type TopologyVertex =
  | { readonly vertex: 'node'; readonly nodeId: string; readonly nodeName: string }
  | ({ readonly vertex: 'device'; readonly nodeId: string } & TopologyDevice);

export type TopologyGraph = DirectedMultigraph<TopologyVertex, Link>;

/**
 * A vertex for every node and for every device, which hangs on its node by the memory that it shares with the processor
 * or by its bus; devices of one node are joined by the buses and cables between them that its machine tells of. Edges
 * between nodes are the links; those that failed are no edges.
 */
export function topologyGraph({ nodes, links }: ClusterTopology): TopologyGraph {
  const graph: TopologyGraph = new DirectedMultigraph();
  const places = new Map<string, NodeIndex>();
  for (const { nodeId, nodeName, devices, devicePaths } of nodes) {
    const onBus = new Map<string, NodeIndex>();
    const place = graph.addNode({ vertex: 'node', nodeId, nodeName });
    places.set(nodeId, place);
    for (const device of devices) {
      const at = graph.addNode({ vertex: 'device', nodeId, ...device });
      const { pciAddress } = device;
      if (pciAddress !== undefined) onBus.set(pciAddress, at);
      const up = devicePaths?.paths.find(({ from, to }) => from === undefined && to === pciAddress);
      const edge = up ? pathLink(nodeId, up) : deviceLink(nodeId, device);
      graph.addEdge(place, at, edge);
      graph.addEdge(at, place, edge);
    }
    for (const path of devicePaths?.paths ?? []) {
      const [from, to] = [path.from === undefined ? undefined : onBus.get(path.from), onBus.get(path.to)];
      if (from === undefined || to === undefined) continue;
      const edge = pathLink(nodeId, path);
      graph.addEdge(from, to, edge);
      graph.addEdge(to, from, edge);
    }
  }
  for (const link of links) {
    const [from, to] = [places.get(link.from.nodeId), places.get(link.to.nodeId)];
    if (from !== undefined && to !== undefined) graph.addEdge(from, to, link);
  }
  return graph;
}

const unmeasured = { unknown: 'paths within a machine are not measured' };

function pathLink(nodeId: string, { kind, bandwidthBytesPerSecond }: DevicePath): Link {
  return { from: { nodeId }, to: { nodeId }, kind, latencyMicroseconds: unmeasured, bandwidthBytesPerSecond };
}

function deviceLink(nodeId: string, { kind }: TopologyDevice): Link {
  return {
    from: { nodeId },
    to: { nodeId },
    kind: kind === 'cpu' ? 'shared-memory' : 'unknown',
    latencyMicroseconds: unmeasured,
    bandwidthBytesPerSecond: unmeasured,
  };
}

/** The same vertices with links of these kinds only, for cycles over Thunderbolt say; indices stay. */
export function withLinksOf(graph: TopologyGraph, kinds: readonly LinkKind[]): TopologyGraph {
  return graph.filterEdges(({ kind }) => kinds.includes(kind));
}

/** The nodes without their devices; indices are new. */
export function nodesOnly(graph: TopologyGraph): TopologyGraph {
  return graph.subgraph(graph.nodeIndices().filter((index) => graph.getNodeData(index).vertex === 'node'));
}
