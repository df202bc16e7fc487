import {
  DirectedMultigraph,
  isStronglyConnected,
  isWeaklyConnected,
  leafNodes,
  shortestPaths,
  simpleCycles,
  stronglyConnectedComponents,
} from '@shoal/core';
import t from 'tap';

interface Link {
  readonly kind: 'ethernet' | 'thunderbolt';
  readonly latencyMicroseconds: number;
}

const ethernet: Link = { kind: 'ethernet', latencyMicroseconds: 200 };
const thunderbolt: Link = { kind: 'thunderbolt', latencyMicroseconds: 10 };

function complete(size: number): DirectedMultigraph<number, null> {
  const graph = new DirectedMultigraph<number, null>();
  graph.addNodesFrom(Array.from({ length: size }, (_, index) => index));
  for (const source of graph.nodeIndices()) {
    for (const target of graph.nodeIndices()) if (source !== target) graph.addEdge(source, target, null);
  }
  return graph;
}

t.test('cycles over one kind of link are those of the graph without the others', async (t) => {
  const graph = new DirectedMultigraph<string, Link>();
  const [a, b, c] = graph.addNodesFrom(['a', 'b', 'c']) as [number, number, number];
  for (const [source, target] of [
    [a, b],
    [b, c],
    [c, a],
  ] as const) {
    graph.addEdge(source, target, ethernet);
  }
  graph.addEdge(a, b, thunderbolt);
  graph.addEdge(b, a, thunderbolt);
  t.same(
    [...simpleCycles(graph)],
    [
      [a, b],
      [a, b, c],
    ],
  );
  const fast = graph.filterEdges(({ kind }) => kind === 'thunderbolt');
  t.same([...simpleCycles(fast)], [[a, b]]);
  t.same([fast.numNodes(), fast.numEdges(), graph.numEdges()], [3, 2, 5]);
});

t.test('cycles are bounded by length and by count', async (t) => {
  // As rustworkx counts them.
  t.equal([...simpleCycles(complete(6))].length, 409);
  t.equal([...simpleCycles(complete(7), { maximumLength: 2 })].length, 21);
  // Triangles: two directions of each three of seven nodes.
  t.equal([...simpleCycles(complete(7), { maximumLength: 3 })].length, 21 + 70);
  t.equal([...simpleCycles(complete(12), { maximumCount: 100 })].length, 100);
  t.same([...simpleCycles(complete(3), { maximumLength: 0 })], []);
});

t.test('leaf nodes have one neighbour at most, whatever the direction and number of links', async (t) => {
  const graph = new DirectedMultigraph<string, Link>();
  const [hub, left, right, alone] = graph.addNodesFrom(['hub', 'left', 'right', 'alone']) as [
    number,
    number,
    number,
    number,
  ];
  graph.addEdge(hub, left, ethernet);
  graph.addEdge(left, hub, ethernet);
  graph.addEdge(left, hub, thunderbolt);
  graph.addEdge(right, hub, ethernet);
  graph.addEdge(right, right, ethernet);
  t.same(leafNodes(graph), [left, right, alone]);
});

t.test('the shortest path takes the fastest of parallel links and goes round slow ones', async (t) => {
  const graph = new DirectedMultigraph<string, Link>();
  const [a, b, c, d] = graph.addNodesFrom(['a', 'b', 'c', 'd']) as [number, number, number, number];
  graph.addEdge(a, b, ethernet);
  graph.addEdge(a, b, thunderbolt);
  graph.addEdge(b, c, thunderbolt);
  graph.addEdge(a, c, ethernet);
  graph.addEdge(d, a, ethernet);
  const paths = shortestPaths(graph, a, ({ latencyMicroseconds }) => latencyMicroseconds);
  t.same(paths.get(c), { nodes: [a, b, c], length: 20 });
  t.same([...paths.keys()], [b, c], 'd cannot be reached, and a is where the paths begin');
  t.same(shortestPaths(graph, 99, () => 1).size, 0);
  t.throws(() => shortestPaths(graph, a, () => -1), { code: 'ARGUMENT_INVALID' });
  t.throws(() => shortestPaths(graph, a, () => Number.NaN), { code: 'ARGUMENT_INVALID' });
});

t.test('a chain of many nodes does not exhaust the stack', async (t) => {
  const graph = new DirectedMultigraph<null, null>();
  const length = 20_000;
  graph.addNodesFrom(Array.from({ length }, () => null));
  for (let node = 1; node < length; node += 1) graph.addEdge(node - 1, node, null);
  t.equal(stronglyConnectedComponents(graph).length, length);
  graph.addEdge(length - 1, 0, null);
  t.ok(isStronglyConnected(graph));
});

t.test('a graph without nodes is not connected', async (t) => {
  const graph = new DirectedMultigraph<null, null>();
  t.notOk(isWeaklyConnected(graph));
  t.notOk(isStronglyConnected(graph));
});

t.test('a copy goes its own way', async (t) => {
  const graph = complete(3);
  const copy = graph.copy();
  copy.removeNode(1);
  copy.addNode(7);
  t.same(
    [graph.nodes(), copy.nodes()],
    [
      [0, 1, 2],
      [0, 7, 2],
    ],
  );
  t.equal(graph.numEdges(), 6);
  t.equal(
    graph.findNode((data) => data === 2),
    2,
  );
  t.equal(
    graph.findNode((data) => data === 9),
    undefined,
  );
});
