import {
  type ClusterTopology,
  type Link,
  type LinkKind,
  nodesOnly,
  shortestPaths,
  simpleCycles,
  topologyGraph,
  transferMicroseconds,
  weaklyConnectedComponents,
  withLinksOf,
} from '@shoal/core';
import { endpointsFor } from '@shoal/core/internal/node/member-routes.js';
import t from 'tap';

function link(from: string, to: string, kind: LinkKind, microseconds: number, address?: string): Link {
  return {
    from: { nodeId: from },
    to: { nodeId: to, ...(address === undefined ? {} : { address }) },
    kind,
    latencyMicroseconds: { value: microseconds, source: 'measured' },
    bandwidthBytesPerSecond: { unknown: 'the test' },
  };
}

const both = (one: string, other: string, kind: LinkKind, microseconds: number) => [
  link(one, other, kind, microseconds),
  link(other, one, kind, microseconds),
];

const device = (kind: 'cpu' | 'gpu') => ({ backend: kind, deviceId: kind, kind, name: kind });

/** A ring of three by Thunderbolt, with Ethernet between all four. */
const topology: ClusterTopology = {
  nodes: ['a', 'b', 'c', 'd'].map((nodeId) => ({
    nodeId,
    nodeName: nodeId,
    interfaces: [],
    devices: nodeId === 'a' ? [device('cpu'), device('gpu')] : [device('cpu')],
  })),
  links: [
    ...both('a', 'b', 'thunderbolt', 40),
    ...both('b', 'c', 'thunderbolt', 40),
    ...both('c', 'a', 'thunderbolt', 40),
    ...both('a', 'b', 'ethernet', 100),
    ...both('a', 'c', 'ethernet', 100),
    ...both('a', 'd', 'ethernet', 100),
    link('d', 'elsewhere', 'ethernet', 1),
  ],
  failures: [],
};

t.test('a graph of nodes and devices', async (t) => {
  const graph = topologyGraph(topology);
  t.equal(graph.numNodes(), 4 + 5);
  t.equal(graph.numEdges(), 12 + 2 * 5, 'links to nodes that are not there are none');
  const [a] = graph.nodeIndices();
  const kinds = graph.outEdges(a ?? -1).map(([, , { kind }]) => kind);
  t.equal(kinds.filter((kind) => kind === 'shared-memory').length, 1, 'a processor shares the memory of its node');
  t.equal(kinds.filter((kind) => kind === 'unknown').length, 1, 'of a graphics processor the bus is not known');
  t.equal(weaklyConnectedComponents(graph).length, 1);
});

t.test('nodes over Thunderbolt only', async (t) => {
  const fast = nodesOnly(withLinksOf(topologyGraph(topology), ['thunderbolt']));
  const names = (nodes: readonly number[]) => nodes.map((index) => fast.getNodeData(index).nodeId).join('');
  t.same([...simpleCycles(fast)].map(names).sort(), ['ab', 'abc', 'ac', 'acb', 'bc']);
  t.same(
    weaklyConnectedComponents(fast)
      .map((nodes) => names([...nodes].sort()))
      .sort(),
    ['abc', 'd'],
  );
});

t.test('the fastest way', async (t) => {
  const graph = nodesOnly(topologyGraph(topology));
  const [a, , , d] = graph.nodeIndices();
  const way = shortestPaths(graph, d ?? -1, transferMicroseconds);
  t.same(way.get(a ?? -1)?.nodes, [d, a]);
  t.equal(way.size, 3);
});

t.test('members are told the fastest addresses', async (t) => {
  const endpoint = (nodeId: string) => ({ stage: 0, member: 0, nodeId, endpoint: { transport: 'tcp', host: nodeId } });
  const links = [
    link('a', 'b', 'ethernet', 100, '10.0.0.2'),
    link('a', 'b', 'thunderbolt', 40, 'fe80::2%en2'),
    link('b', 'a', 'ethernet', 100, '10.0.0.1'),
  ];
  t.same(endpointsFor('a', [endpoint('a'), endpoint('b'), endpoint('c')], links), [
    endpoint('a'),
    { ...endpoint('b'), preferredAddresses: ['fe80::2%en2', '10.0.0.2'] },
    endpoint('c'),
  ]);
});
