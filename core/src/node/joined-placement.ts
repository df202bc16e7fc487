/** Plans whose members can reach each other: placement knows memory and speed, transports know who can talk to whom. */
import type { PlacementResult } from '../placement/request.js';
import { apartMessage, findTransport, type TransportNode } from './transport-choice.js';

/** Plans that are tried before it is given up: keeps the search short in clusters that are badly joined. */
const maximumPlans = 16;

/** A node that takes no part at all, and why. */
export interface LeftOutNode {
  readonly nodeName: string;
  readonly reason: string;
}

/** What the search depends on. */
export type JoinableNode = TransportNode & { readonly nodeId: string };

interface Attempt<Node> {
  readonly nodes: readonly Node[];
  readonly leftOut: readonly LeftOutNode[];
}

/**
 * The plan that leaves out the fewest of the nodes that no transport joins; of several, one with the preferred node.
 * Where there is none, a refusal that says between whom there is nothing. Pure, if `placeOn` is.
 */
export function placeJoined<Node extends JoinableNode>(
  nodes: readonly Node[],
  preferredNodeId: string,
  placeOn: (nodes: readonly Node[]) => PlacementResult,
): { readonly result: PlacementResult; readonly leftOut: readonly LeftOutNode[] } {
  const first = placeOn(nodes);
  const queue: Attempt<Node>[] = [{ nodes, leftOut: [] }];
  const seen = new Set<string>();
  // Breadth first: the list grows while it is walked.
  for (const { nodes: chosen, leftOut } of queue) {
    const result = chosen === nodes ? first : placeOn(chosen);
    if ('refusal' in result) continue;
    const used = new Set(result.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)));
    const found = findTransport(chosen.filter(({ nodeId }) => used.has(nodeId)));
    if ('transport' in found) return { result, leftOut };
    const preferredLast = [...found.apart].sort((left, right) => rank(left) - rank(right));
    for (const node of preferredLast) {
      const rest = chosen.filter((other) => other !== node);
      const key = rest.map(({ nodeId }) => nodeId).join();
      if (seen.has(key) || queue.length === maximumPlans) continue;
      seen.add(key);
      const others = found.apart.filter((other) => other !== node).map(({ nodeName }) => nodeName);
      const lack = others.length > 0 ? `shares no transport with ${others.join(' and ')}` : 'has no transport';
      const reason = `${lack}: ${found.obstacles.join('; ') || 'none is listed'}`;
      queue.push({ nodes: rest, leftOut: [...leftOut, { nodeName: node.nodeName, reason }] });
    }
  }
  if ('refusal' in first) return { result: first, leftOut: [] };
  const planned = new Set(first.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)));
  const found = findTransport(nodes.filter(({ nodeId }) => planned.has(nodeId)));
  if ('transport' in found) return { result: first, leftOut: [] };
  const message = apartMessage(found);
  return { result: { refusal: { code: 'TRANSPORT_UNAVAILABLE', message, reasons: found.obstacles } }, leftOut: [] };

  function rank({ nodeId }: Node): number {
    return nodeId === preferredNodeId ? 1 : 0;
  }
}
