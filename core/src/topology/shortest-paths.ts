/** The cheapest way from one machine to another. */
import { ShoalError } from '../spec/errors.js';
import type { DirectedMultigraph, NodeIndex } from './directed-multigraph.js';

/** A way through the graph. */
export interface ShortestPath {
  /** From the source to the target, both included. */
  readonly nodes: readonly NodeIndex[];
  /** Sum of the weights of its edges. */
  readonly length: number;
}

/**
 * Cheapest ways from `source` to every other node that can be reached (Dijkstra). `weightOf` gives the weight of an edge,
 * 0 or above; the cheapest of parallel edges counts. Of equally cheap ways one is chosen.
 *
 * Throws ARGUMENT_INVALID for a negative weight or one that is not a number.
 */
export function shortestPaths<Edge>(
  graph: DirectedMultigraph<unknown, Edge>,
  source: NodeIndex,
  weightOf: (data: Edge) => number,
): Map<NodeIndex, ShortestPath> {
  const best = new Map<NodeIndex, { length: number; previous: NodeIndex | undefined }>();
  const settled = new Map<NodeIndex, ShortestPath>();
  if (graph.hasNode(source)) best.set(source, { length: 0, previous: undefined });
  for (let node = nearest(best); node !== undefined; node = nearest(best)) {
    const { length, previous } = best.get(node) ?? { length: 0, previous: undefined };
    best.delete(node);
    const before = previous === undefined ? [] : (settled.get(previous)?.nodes ?? []);
    settled.set(node, { nodes: [...before, node], length });
    for (const [, target, data] of graph.outEdges(node)) {
      if (settled.has(target)) continue;
      const weight = weightOf(data);
      if (!(weight >= 0)) {
        throw new ShoalError('ARGUMENT_INVALID', `the edge from node ${node} to node ${target} weighs ${weight}`, {
          details: { source: node, target, weight },
        });
      }
      const known = best.get(target);
      if (!known || length + weight < known.length) best.set(target, { length: length + weight, previous: node });
    }
  }
  settled.delete(source);
  return settled;
}

/** A scan: topologies have tens of nodes, and edges outnumber them. */
function nearest(best: ReadonlyMap<NodeIndex, { readonly length: number }>): NodeIndex | undefined {
  let found: NodeIndex | undefined;
  let length = Number.POSITIVE_INFINITY;
  for (const [node, candidate] of best) {
    if (found !== undefined && candidate.length >= length) continue;
    found = node;
    length = candidate.length;
  }
  return found;
}
