/** Rings of machines. */
import { stronglyConnectedComponents } from './connectivity.js';
import type { DirectedMultigraph, NodeIndex } from './directed-multigraph.js';

export interface CycleLimits {
  /** Most nodes of a cycle; default: all. */
  readonly maximumLength?: number;
  /** Stops after so many cycles; default 10,000. Complete graphs have more than factorially many. */
  readonly maximumCount?: number;
}

const defaultMaximumCount = 10_000;

/**
 * Cycles that pass no node twice, each once, from its lowest index on; parallel edges make no further cycles. A search
 * from every node over the higher ones of its strongly connected component, which leaves out nodes from which the start
 * can no longer be reached (D. Johnson: Finding all the elementary circuits of a directed graph, SIAM J. Comput. 1975).
 */
export function* simpleCycles(
  graph: DirectedMultigraph<unknown, unknown>,
  { maximumLength = Number.POSITIVE_INFINITY, maximumCount = defaultMaximumCount }: CycleLimits = {},
): Generator<NodeIndex[], void, undefined> {
  let count = 0;
  for (const start of graph.nodeIndices()) {
    const successors = successorsWithin(graph, start);
    if (!successors) continue;
    for (const cycle of cyclesFrom(start, successors, maximumLength)) {
      if (count >= maximumCount) return;
      count += 1;
      yield cycle;
    }
  }
}

/** Successors within the component of `start` among the nodes from it on; nothing where it is on no cycle of those. */
function successorsWithin(
  graph: DirectedMultigraph<unknown, unknown>,
  start: NodeIndex,
): ReadonlyMap<NodeIndex, readonly NodeIndex[]> | undefined {
  const { graph: rest, nodeMap } = graph.subgraphWithNodeMap(graph.nodeIndices().filter((node) => node >= start));
  const original = (node: NodeIndex) => nodeMap.get(node) ?? node;
  // The start has the lowest index, so that it is node 0 of the rest.
  const component = stronglyConnectedComponents(rest).find((nodes) => nodes.includes(0)) ?? [];
  if (component.length === 1 && !rest.hasEdge(0, 0)) return undefined;
  const members = new Set(component);
  return new Map(
    component.map((node) => [
      original(node),
      rest
        .neighbors(node)
        .filter((next) => members.has(next))
        .map(original),
    ]),
  );
}

function* cyclesFrom(
  start: NodeIndex,
  successors: ReadonlyMap<NodeIndex, readonly NodeIndex[]>,
  maximumLength: number,
): Generator<NodeIndex[], void, undefined> {
  const path: NodeIndex[] = [];
  const blocked = new Set<NodeIndex>();
  /** Nodes that become free with a node. */
  const waiting = new Map<NodeIndex, Set<NodeIndex>>();
  const bounded = Number.isFinite(maximumLength);

  const unblock = (first: NodeIndex) => {
    const pending = [first];
    for (let node = pending.pop(); node !== undefined; node = pending.pop()) {
      blocked.delete(node);
      pending.push(...(waiting.get(node) ?? []));
      waiting.delete(node);
    }
  };

  function* search(node: NodeIndex): Generator<NodeIndex[], boolean, undefined> {
    let found = false;
    path.push(node);
    blocked.add(node);
    const next = successors.get(node) ?? [];
    for (const successor of next) {
      if (successor === start) {
        found = true;
        yield [...path];
      } else if (!blocked.has(successor) && path.length < maximumLength) {
        if (yield* search(successor)) found = true;
      }
    }
    // With a bound, that nothing was found may be due to the length of the path so far.
    if (found || bounded) unblock(node);
    else for (const successor of next) waiting.set(successor, (waiting.get(successor) ?? new Set()).add(node));
    path.pop();
    return found;
  }

  if (maximumLength >= 1) yield* search(start);
}
