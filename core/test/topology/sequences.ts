/** The random sequences of `test/fixtures/make_graphs.py`: the same numbers, the same calls. */
import {
  DirectedMultigraph,
  isStronglyConnected,
  isWeaklyConnected,
  type NodeIndex,
  ShoalError,
  shortestPaths,
  simpleCycles,
  stronglyConnectedComponents,
  weaklyConnectedComponents,
} from '@shoal/core';

type Graph = DirectedMultigraph<number, number>;

/** mulberry32. */
class Random {
  #state: number;

  constructor(seed: number) {
    this.#state = seed | 0;
  }

  below(bound: number): number {
    this.#state = (this.#state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(this.#state ^ (this.#state >>> 15), this.#state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % bound;
  }
}

function answer(call: () => unknown): unknown {
  try {
    return call() ?? null;
  } catch (thrown) {
    if (ShoalError.is(thrown)) return thrown.code;
    throw thrown;
  }
}

function change(graph: Graph, random: Random, bound: number): unknown {
  const [kind, one, other, data] = [random.below(16), random.below(bound), random.below(bound), random.below(1000)];
  if (kind < 4) return answer(() => graph.addNode(data));
  if (kind < 10) return answer(() => graph.addEdge(one, other, data));
  if (kind === 10) return answer(() => graph.removeNode(one));
  if (kind === 11) return answer(() => graph.removeEdge(one, other));
  if (kind === 12) return answer(() => graph.removeEdgeFromIndex(one));
  if (kind === 13) return answer(() => graph.updateEdge(one, other, data));
  if (kind === 14) return answer(() => graph.updateEdgeByIndex(one, data));
  return answer(() => graph.setNodeData(one, data));
}

function look(graph: Graph, random: Random, bound: number): unknown {
  const [one, other] = [random.below(bound), random.below(bound)];
  return [
    answer(() => graph.getNodeData(one)),
    graph.neighbors(one).sort((left, right) => left - right),
    graph.successorIndices(one),
    graph.predecessorIndices(one),
    graph.successors(one),
    graph.predecessors(one),
    graph.outEdges(one),
    graph.inEdges(one),
    graph.outEdgeIndices(one),
    graph.inEdgeIndices(one),
    [graph.inDegree(one), graph.outDegree(one)],
    [...graph.adj(one)],
    answer(() => graph.getEdgeData(one, other)),
    answer(() => graph.getAllEdgeData(one, other)),
    graph.edgeIndicesFromEndpoints(one, other),
    graph.hasEdge(one, other),
    graph.hasNode(one),
    answer(() => graph.getEdgeDataByIndex(one)),
    answer(() => graph.getEdgeEndpointsByIndex(one)),
  ];
}

function whole(graph: Graph): unknown {
  return [
    graph.nodes(),
    graph.nodeIndices(),
    graph.edges(),
    graph.edgeIndices(),
    graph.edgeList(),
    graph.weightedEdgeList(),
    [...graph.edgeIndexMap()],
    [graph.numNodes(), graph.numEdges(), graph.hasParallelEdges()],
  ];
}

/** As Python orders lists of numbers. */
function byElements(left: readonly number[], right: readonly number[]): number {
  for (const [index, value] of left.entries()) {
    const other = right[index];
    if (other === undefined) return 1;
    if (value !== other) return value - other;
  }
  return left.length - right.length;
}

const sorted = (lists: Iterable<readonly number[]>) => [...lists].sort(byElements);
const sortedSets = (sets: readonly NodeIndex[][]) => sorted(sets.map((set) => [...set].sort((a, b) => a - b)));

function algorithms(graph: Graph, random: Random, bound: number): unknown {
  const paths = shortestPaths(graph, random.below(bound), (weight) => weight);
  const kept = graph.nodeIndices().filter((node) => node % 3 !== 1);
  const { graph: part, nodeMap } = graph.subgraphWithNodeMap(kept);
  return [
    sorted(simpleCycles(graph)),
    sortedSets(stronglyConnectedComponents(graph)),
    sortedSets(weaklyConnectedComponents(graph)),
    [isWeaklyConnected(graph), isStronglyConnected(graph)],
    sorted([...paths].map(([node, { length }]) => [node, length])),
    whole(part),
    [...nodeMap],
  ];
}

/** All answers of a sequence. */
export function sequence(seed: number): unknown[] {
  const random = new Random(seed);
  const multigraph = random.below(4) > 0;
  const graph: Graph = new DirectedMultigraph({ multigraph });
  const answers: unknown[] = [multigraph];
  const bound = 4 + random.below(5);
  for (let rest = 10 + random.below(50); rest > 0; rest -= 1) {
    answers.push(change(graph, random, bound), look(graph, random, bound));
  }
  answers.push(whole(graph), algorithms(graph, random, bound));
  return answers;
}
