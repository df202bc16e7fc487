/** The figures of the screen Node. */
import type { DashboardState, NodeState } from '../state/state.js';
import { badgesOf, type ShareFigures, sharesByNode } from './shares.js';

export interface NodesFigures {
  readonly nodes: readonly NodeFigures[];
}

/** All that is known of a node but its past. */
export interface NodeFigures extends Omit<NodeState, 'history'> {
  readonly badges: readonly { readonly badge: string; readonly reason: string }[];
  readonly shares: readonly ShareFigures[];
}

export function nodesFigures(state: DashboardState): NodesFigures {
  const shares = sharesByNode(state.instances);
  return {
    nodes: state.nodes.map((node): NodeFigures => {
      const { history: _history, ...figures } = node;
      return {
        ...figures,
        badges: badgesOf(node).map(({ text, reason }) => ({ badge: text, reason })),
        shares: shares.get(node.nodeId) ?? [],
      };
    }),
  };
}
