/**
 * A directed multigraph with the behaviour of rustworkx's `PyDiGraph`: small integer indices that stay valid while
 * others come and go, freed indices used again (the last freed first), and lists of edges with the newest first. The
 * names are rustworkx's in camel case. `test/fixtures/make_graphs.py` records what rustworkx answers.
 */
import { ShoalError } from '../spec/errors.js';

/** Index of a node; stable until that node is removed. */
export type NodeIndex = number;
/** Index of an edge; stable until that edge is removed. */
export type EdgeIndex = number;

/** A directed edge with its data. */
export type WeightedEdge<Edge> = readonly [source: NodeIndex, target: NodeIndex, data: Edge];

interface NodeSlot<Node> {
  data: Node;
  /** Newest first. */
  readonly outgoing: EdgeIndex[];
  /** Newest first. */
  readonly incoming: EdgeIndex[];
}

interface EdgeSlot<Edge> {
  readonly source: NodeIndex;
  readonly target: NodeIndex;
  data: Edge;
}

export interface DirectedMultigraphOptions {
  /** False: a second edge between two nodes replaces the data of the first. Default true. */
  readonly multigraph?: boolean;
}

export class DirectedMultigraph<Node, Edge> {
  readonly multigraph: boolean;
  readonly #nodes: (NodeSlot<Node> | undefined)[] = [];
  readonly #edges: (EdgeSlot<Edge> | undefined)[] = [];
  /** The next index to use is at the end. */
  readonly #freeNodes: NodeIndex[] = [];
  readonly #freeEdges: EdgeIndex[] = [];

  constructor({ multigraph = true }: DirectedMultigraphOptions = {}) {
    this.multigraph = multigraph;
  }

  /** A copy with the same indices that shares the data of nodes and edges. */
  copy(): DirectedMultigraph<Node, Edge> {
    const copy = new DirectedMultigraph<Node, Edge>({ multigraph: this.multigraph });
    for (const slot of this.#nodes) {
      copy.#nodes.push(slot && { data: slot.data, outgoing: [...slot.outgoing], incoming: [...slot.incoming] });
    }
    for (const slot of this.#edges) copy.#edges.push(slot && { ...slot });
    copy.#freeNodes.push(...this.#freeNodes);
    copy.#freeEdges.push(...this.#freeEdges);
    return copy;
  }

  // ── Nodes ────────────────────────────────────────────────────────────────────────────────────────────────────────

  numNodes(): number {
    return this.#nodes.length - this.#freeNodes.length;
  }

  hasNode(node: NodeIndex): boolean {
    return this.#nodes[node] !== undefined;
  }

  addNode(data: Node): NodeIndex {
    const index = this.#freeNodes.pop() ?? this.#nodes.length;
    this.#nodes[index] = { data, outgoing: [], incoming: [] };
    return index;
  }

  addNodesFrom(data: Iterable<Node>): NodeIndex[] {
    return Array.from(data, (one) => this.addNode(one));
  }

  /** Throws GRAPH_INDEX_UNKNOWN. */
  getNodeData(node: NodeIndex): Node {
    return this.#node(node).data;
  }

  /** Throws GRAPH_INDEX_UNKNOWN. */
  setNodeData(node: NodeIndex, data: Node): void {
    this.#node(node).data = data;
  }

  /** Removes a node with its edges; nothing happens when there is none. */
  removeNode(node: NodeIndex): void {
    const slot = this.#nodes[node];
    if (!slot) return;
    while (slot.outgoing[0] !== undefined) this.removeEdgeFromIndex(slot.outgoing[0]);
    while (slot.incoming[0] !== undefined) this.removeEdgeFromIndex(slot.incoming[0]);
    this.#nodes[node] = undefined;
    this.#freeNodes.push(node);
  }

  removeNodesFrom(nodes: Iterable<NodeIndex>): void {
    for (const node of nodes) this.removeNode(node);
  }

  /** Data of all nodes, in the order of their indices. */
  nodes(): Node[] {
    return this.#nodes.flatMap((slot) => (slot ? [slot.data] : []));
  }

  nodeIndices(): NodeIndex[] {
    return this.#nodes.flatMap((slot, index) => (slot ? [index] : []));
  }

  /** Index of the first node whose data satisfies the condition. */
  findNode(matches: (data: Node) => boolean): NodeIndex | undefined {
    return this.nodeIndices().find((node) => matches(this.getNodeData(node)));
  }

  // ── Edges ────────────────────────────────────────────────────────────────────────────────────────────────────────

  numEdges(): number {
    return this.#edges.length - this.#freeEdges.length;
  }

  hasEdge(source: NodeIndex, target: NodeIndex): boolean {
    return this.#edgesBetween(source, target).length > 0;
  }

  hasParallelEdges(): boolean {
    const pairs = new Set(this.edgeList().map(([source, target]) => `${source} ${target}`));
    return pairs.size < this.numEdges();
  }

  /** Throws GRAPH_INDEX_UNKNOWN when an endpoint is not there. */
  addEdge(source: NodeIndex, target: NodeIndex, data: Edge): EdgeIndex {
    const [from, to] = [this.#node(source), this.#node(target)];
    const existing = this.multigraph ? undefined : this.#edgesBetween(source, target)[0];
    if (existing !== undefined) {
      this.#edge(existing).data = data;
      return existing;
    }
    const index = this.#freeEdges.pop() ?? this.#edges.length;
    this.#edges[index] = { source, target, data };
    from.outgoing.unshift(index);
    to.incoming.unshift(index);
    return index;
  }

  addEdgesFrom(edges: Iterable<WeightedEdge<Edge>>): EdgeIndex[] {
    return Array.from(edges, ([source, target, data]) => this.addEdge(source, target, data));
  }

  /** Data of the newest edge between two nodes. Throws GRAPH_EDGE_UNKNOWN. */
  getEdgeData(source: NodeIndex, target: NodeIndex): Edge {
    return this.#edge(this.#newestBetween(source, target)).data;
  }

  /** Data of every edge between two nodes, newest first. Throws GRAPH_EDGE_UNKNOWN when there is none. */
  getAllEdgeData(source: NodeIndex, target: NodeIndex): Edge[] {
    this.#newestBetween(source, target);
    return this.#edgesBetween(source, target).map((edge) => this.#edge(edge).data);
  }

  edgeIndicesFromEndpoints(source: NodeIndex, target: NodeIndex): EdgeIndex[] {
    return this.#edgesBetween(source, target);
  }

  /** Throws GRAPH_INDEX_UNKNOWN. */
  getEdgeDataByIndex(edge: EdgeIndex): Edge {
    return this.#edge(edge).data;
  }

  /** Throws GRAPH_INDEX_UNKNOWN. */
  getEdgeEndpointsByIndex(edge: EdgeIndex): readonly [source: NodeIndex, target: NodeIndex] {
    const { source, target } = this.#edge(edge);
    return [source, target];
  }

  /** Replaces the data of the newest edge between two nodes. Throws GRAPH_EDGE_UNKNOWN. */
  updateEdge(source: NodeIndex, target: NodeIndex, data: Edge): void {
    this.#edge(this.#newestBetween(source, target)).data = data;
  }

  /** Throws GRAPH_INDEX_UNKNOWN. */
  updateEdgeByIndex(edge: EdgeIndex, data: Edge): void {
    this.#edge(edge).data = data;
  }

  /** Removes the newest edge between two nodes. Throws GRAPH_EDGE_UNKNOWN. */
  removeEdge(source: NodeIndex, target: NodeIndex): void {
    this.removeEdgeFromIndex(this.#newestBetween(source, target));
  }

  /** Nothing happens when there is no such edge. */
  removeEdgeFromIndex(edge: EdgeIndex): void {
    const slot = this.#edges[edge];
    if (!slot) return;
    remove(this.#node(slot.source).outgoing, edge);
    remove(this.#node(slot.target).incoming, edge);
    this.#edges[edge] = undefined;
    this.#freeEdges.push(edge);
  }

  /** Data of all edges, in the order of their indices. */
  edges(): Edge[] {
    return this.#edges.flatMap((slot) => (slot ? [slot.data] : []));
  }

  edgeIndices(): EdgeIndex[] {
    return this.#edges.flatMap((slot, index) => (slot ? [index] : []));
  }

  edgeList(): (readonly [source: NodeIndex, target: NodeIndex])[] {
    return this.#edges.flatMap((slot) => (slot ? [[slot.source, slot.target] as const] : []));
  }

  weightedEdgeList(): WeightedEdge<Edge>[] {
    return this.#edges.flatMap((slot) => (slot ? [[slot.source, slot.target, slot.data] as const] : []));
  }

  edgeIndexMap(): Map<EdgeIndex, WeightedEdge<Edge>> {
    return new Map(this.edgeIndices().map((edge) => [edge, this.#weighted(edge)]));
  }

  // ── Around a node ────────────────────────────────────────────────────────────────────────────────────────────────

  /** Nodes that an edge leads to, each once, newest edge first; empty for a node that is not there. */
  neighbors(node: NodeIndex): NodeIndex[] {
    return [...new Set(this.successorIndices(node))];
  }

  /** As `neighbors`, but a node once for every edge to it. */
  successorIndices(node: NodeIndex): NodeIndex[] {
    return this.outEdgeIndices(node).map((edge) => this.#edge(edge).target);
  }

  predecessorIndices(node: NodeIndex): NodeIndex[] {
    return this.inEdgeIndices(node).map((edge) => this.#edge(edge).source);
  }

  /** Data of the nodes that an edge leads to, each once. */
  successors(node: NodeIndex): Node[] {
    return this.neighbors(node).map((index) => this.getNodeData(index));
  }

  /** Data of the nodes that an edge comes from, each once. */
  predecessors(node: NodeIndex): Node[] {
    return [...new Set(this.predecessorIndices(node))].map((index) => this.getNodeData(index));
  }

  outEdgeIndices(node: NodeIndex): EdgeIndex[] {
    return [...(this.#nodes[node]?.outgoing ?? [])];
  }

  inEdgeIndices(node: NodeIndex): EdgeIndex[] {
    return [...(this.#nodes[node]?.incoming ?? [])];
  }

  outEdges(node: NodeIndex): WeightedEdge<Edge>[] {
    return this.outEdgeIndices(node).map((edge) => this.#weighted(edge));
  }

  inEdges(node: NodeIndex): WeightedEdge<Edge>[] {
    return this.inEdgeIndices(node).map((edge) => this.#weighted(edge));
  }

  outDegree(node: NodeIndex): number {
    return this.#nodes[node]?.outgoing.length ?? 0;
  }

  inDegree(node: NodeIndex): number {
    return this.#nodes[node]?.incoming.length ?? 0;
  }

  /** Neighbours in either direction with the data of an edge: of several, the oldest leading there, else coming from. */
  adj(node: NodeIndex): Map<NodeIndex, Edge> {
    const adjacent = new Map<NodeIndex, Edge>();
    for (const [source, , data] of this.inEdges(node)) adjacent.set(source, data);
    for (const [, target, data] of this.outEdges(node)) adjacent.set(target, data);
    return adjacent;
  }

  // ── Parts ────────────────────────────────────────────────────────────────────────────────────────────────────────

  /**
   * The named nodes and all edges between them, numbered anew in the order of their indices here; indices that are not
   * there are passed over. `nodeMap` leads from the new indices to those here.
   */
  subgraphWithNodeMap(nodes: Iterable<NodeIndex>): {
    readonly graph: DirectedMultigraph<Node, Edge>;
    readonly nodeMap: ReadonlyMap<NodeIndex, NodeIndex>;
  } {
    const wanted = new Set(nodes);
    const graph = new DirectedMultigraph<Node, Edge>({ multigraph: this.multigraph });
    const renumbered = new Map<NodeIndex, NodeIndex>();
    for (const node of this.nodeIndices()) {
      if (wanted.has(node)) renumbered.set(node, graph.addNode(this.getNodeData(node)));
    }
    for (const [source, target, data] of this.weightedEdgeList()) {
      const [from, to] = [renumbered.get(source), renumbered.get(target)];
      if (from !== undefined && to !== undefined) graph.addEdge(from, to, data);
    }
    return { graph, nodeMap: new Map([...renumbered].map(([here, there]) => [there, here])) };
  }

  subgraph(nodes: Iterable<NodeIndex>): DirectedMultigraph<Node, Edge> {
    return this.subgraphWithNodeMap(nodes).graph;
  }

  /** A copy without the edges that do not satisfy the condition; indices stay. */
  filterEdges(
    condition: (data: Edge, source: NodeIndex, target: NodeIndex) => boolean,
  ): DirectedMultigraph<Node, Edge> {
    const graph = this.copy();
    for (const [edge, [source, target, data]] of this.edgeIndexMap()) {
      if (!condition(data, source, target)) graph.removeEdgeFromIndex(edge);
    }
    return graph;
  }

  #weighted(edge: EdgeIndex): WeightedEdge<Edge> {
    const { source, target, data } = this.#edge(edge);
    return [source, target, data];
  }

  #edgesBetween(source: NodeIndex, target: NodeIndex): EdgeIndex[] {
    return this.outEdgeIndices(source).filter((edge) => this.#edge(edge).target === target);
  }

  #newestBetween(source: NodeIndex, target: NodeIndex): EdgeIndex {
    const [newest] = this.#edgesBetween(source, target);
    if (newest !== undefined) return newest;
    throw new ShoalError('GRAPH_EDGE_UNKNOWN', `no edge leads from node ${source} to node ${target}`, {
      details: { source, target },
    });
  }

  #node(node: NodeIndex): NodeSlot<Node> {
    const slot = this.#nodes[node];
    if (slot) return slot;
    throw new ShoalError('GRAPH_INDEX_UNKNOWN', `the graph has no node ${node}`, { details: { node } });
  }

  #edge(edge: EdgeIndex): EdgeSlot<Edge> {
    const slot = this.#edges[edge];
    if (slot) return slot;
    throw new ShoalError('GRAPH_INDEX_UNKNOWN', `the graph has no edge ${edge}`, { details: { edge } });
  }
}

function remove(list: EdgeIndex[], edge: EdgeIndex): void {
  list.splice(list.indexOf(edge), 1);
}
