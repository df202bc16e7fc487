/** Which nodes hang together. */
import type { DirectedMultigraph, NodeIndex } from './directed-multigraph.js';

type Graph = DirectedMultigraph<unknown, unknown>;

/** Nodes that at most one other node is joined to, in either direction: a loss that cuts nobody else off. */
export function leafNodes(graph: Graph): NodeIndex[] {
  return graph.nodeIndices().filter((node) => {
    const others = new Set(adjacentNodes(graph, node));
    others.delete(node);
    return others.size <= 1;
  });
}

/** Sets of nodes that are joined when directions do not count. */
export function weaklyConnectedComponents(graph: Graph): NodeIndex[][] {
  const seen = new Set<NodeIndex>();
  const components: NodeIndex[][] = [];
  for (const start of graph.nodeIndices()) {
    if (seen.has(start)) continue;
    seen.add(start);
    const component = [start];
    for (const node of component) {
      for (const other of adjacentNodes(graph, node)) {
        if (seen.has(other)) continue;
        seen.add(other);
        component.push(other);
      }
    }
    components.push(component);
  }
  return components;
}

/** False for a graph without nodes, about which rustworkx refuses to answer. */
export function isWeaklyConnected(graph: Graph): boolean {
  return weaklyConnectedComponents(graph).length === 1;
}

/**
 * Sets of nodes that reach one another (R. Tarjan: Depth-first search and linear graph algorithms, SIAM J. Comput. 1972,
 * with a stack of its own, so that long chains do not exhaust the call stack). A component comes before those that
 * lead to it.
 */
export function stronglyConnectedComponents(graph: Graph): NodeIndex[][] {
  const order = new Map<NodeIndex, number>();
  const lowest = new Map<NodeIndex, number>();
  const open: NodeIndex[] = [];
  const isOpen = new Set<NodeIndex>();
  const components: NodeIndex[][] = [];
  const visit = (node: NodeIndex) => {
    order.set(node, order.size);
    lowest.set(node, order.size - 1);
    open.push(node);
    isOpen.add(node);
    return { node, successors: graph.neighbors(node)[Symbol.iterator]() };
  };
  const lower = (node: NodeIndex, value: number) => lowest.set(node, Math.min(lowest.get(node) ?? value, value));
  for (const start of graph.nodeIndices()) {
    if (order.has(start)) continue;
    const path = [visit(start)];
    for (let top = path.at(-1); top; top = path.at(-1)) {
      const { node, successors } = top;
      const next = successors.next();
      if (!next.done) {
        const reached = order.get(next.value);
        if (reached === undefined) path.push(visit(next.value));
        else if (isOpen.has(next.value)) lower(node, reached);
        continue;
      }
      path.pop();
      const low = lowest.get(node) ?? 0;
      const parent = path.at(-1);
      if (parent) lower(parent.node, low);
      if (low !== order.get(node)) continue;
      const component = open.splice(open.lastIndexOf(node));
      for (const one of component) isOpen.delete(one);
      components.push(component);
    }
  }
  return components;
}

/** False for a graph without nodes, about which rustworkx refuses to answer. */
export function isStronglyConnected(graph: Graph): boolean {
  return stronglyConnectedComponents(graph).length === 1;
}

function adjacentNodes(graph: Graph, node: NodeIndex): NodeIndex[] {
  return [...graph.successorIndices(node), ...graph.predecessorIndices(node)];
}
