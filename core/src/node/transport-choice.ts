/** Which transport carries a plan's activations. Pure. */
import { ShoalError } from '../spec/errors.js';
import type { NodeFacts, TransportFacts } from './facts.js';

/** What the choice depends on. */
export type TransportNode = Pick<NodeFacts, 'nodeName' | 'machineId' | 'processId' | 'transports'>;

/** Nodes that no transport joins, and what is in the way of each transport that they have. */
export interface ApartNodes<Node extends TransportNode> {
  readonly apart: readonly Node[];
  readonly obstacles: readonly string[];
}

/**
 * The transport that all of these nodes can use, and the one they prefer among several; else the first pair that has
 * nothing in common, or all of them where each pair has.
 */
export function findTransport<Node extends TransportNode>(
  nodes: readonly Node[],
): { readonly transport: string } | ApartNodes<Node> {
  const usable = namesOf(nodes)
    .filter((name) => obstacle(name, nodes) === undefined)
    .map((name) => ({ name, preference: Math.min(...nodes.map((node) => factsOf(node, name)?.preference ?? 0)) }))
    .sort((left, right) => right.preference - left.preference);
  if (usable[0]) return { transport: usable[0].name };
  const apart = firstPairApart(nodes) ?? nodes;
  return { apart, obstacles: namesOf(apart).map((name) => `${name} ${obstacle(name, apart)}`) };
}

/** The transport of `findTransport`. Throws TRANSPORT_UNAVAILABLE with what each of the nodes that are apart has. */
export function chooseTransport(nodes: readonly TransportNode[]): string {
  const found = findTransport(nodes);
  if ('transport' in found) return found.transport;
  const { apart } = found;
  throw new ShoalError('TRANSPORT_UNAVAILABLE', apartMessage(found), {
    details: { nodes: apart.map(({ nodeName, transports }) => ({ nodeName, transports })) },
  });
}

/** Between whom there is no transport, what each of them has, and why that is of no use. */
export function apartMessage({ apart, obstacles }: ApartNodes<TransportNode>): string {
  const names = apart.map(({ nodeName }) => nodeName);
  const has = apart.map(({ nodeName, transports }) => {
    const listed = transports.map(({ name }) => name).join(', ') || 'none';
    return `${nodeName} has ${listed}`;
  });
  const reasons = obstacles.join('; ') || 'none is listed';
  return `no transport joins ${names.join(' and ')} (${has.join('; ')}): ${reasons}`;
}

const namesOf = (nodes: readonly TransportNode[]): string[] => [
  ...new Set(nodes.flatMap(({ transports }) => transports.map(({ name }) => name))),
];

const factsOf = ({ transports }: TransportNode, wanted: string): TransportFacts | undefined =>
  transports.find(({ name }) => name === wanted);

/** Why these nodes cannot use a transport together, as what follows its name; undefined when they can. */
function obstacle(name: string, nodes: readonly TransportNode[]): string | undefined {
  for (const node of nodes) {
    const facts = factsOf(node, name);
    if (!facts) return `is not on ${node.nodeName}`;
    if (!facts.availability.available) return `cannot be used on ${node.nodeName}: ${facts.availability.reason}`;
    const [first] = nodes;
    if (facts.reach === 'machine' && node.machineId !== first?.machineId) {
      return `joins members of one machine only, and ${node.nodeName} is not on that of ${first?.nodeName}`;
    }
    if (facts.reach === 'process' && node.processId !== first?.processId) {
      return `joins members of one process only, and ${node.nodeName} is not in that of ${first?.nodeName}`;
    }
  }
  return undefined;
}

function firstPairApart<Node extends TransportNode>(nodes: readonly Node[]): readonly Node[] | undefined {
  for (const [index, left] of nodes.entries()) {
    for (const right of nodes.slice(index + 1)) {
      const pair = [left, right];
      if (namesOf(pair).every((name) => obstacle(name, pair) !== undefined)) return pair;
    }
  }
  return undefined;
}
