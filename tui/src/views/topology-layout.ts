/** Where the vertices of the map go: a ring where there are few, else a grid of nodes and groups of nodes. */

import type { WidthClass } from './blocks.js';
import type { TopologyNodeFigures } from './topology-figures.js';

/** A ring of more could not be read. */
const largestRing = 12;
/** More nodes are grouped. */
export const largestUngrouped = 50;
/** Of the nodes with a part, so many stay by themselves among groups. */
const mostSingle = 40;

export interface PlacedVertex {
  readonly id: string;
  readonly nodes: readonly TopologyNodeFigures[];
  readonly x: number;
  readonly y: number;
}

export interface Layout {
  readonly shape: 'ring' | 'grid';
  readonly vertices: readonly PlacedVertex[];
}

/** `path`: ids of the nodes of the instance that is drawn, in the order of its stages. */
export function layOut(nodes: readonly TopologyNodeFigures[], path: readonly string[], width: WidthClass): Layout {
  const place = new Map(path.map((nodeId, index) => [nodeId, index]));
  const ordered = [...nodes].sort(
    (left, right) => (place.get(left.nodeId) ?? path.length) - (place.get(right.nodeId) ?? path.length),
  );
  const groups =
    nodes.length > largestUngrouped ? grouped(ordered) : ordered.map((node) => ({ id: node.nodeId, nodes: [node] }));
  if (groups.length <= largestRing && width !== 'narrow') {
    return { shape: 'ring', vertices: groups.map((group, index) => ({ ...group, ...onRing(index, groups.length) })) };
  }
  const columns = gridColumns(groups.length, width);
  return {
    shape: 'grid',
    vertices: groups.map((group, index) => ({ ...group, ...onGrid(index, groups.length, columns) })),
  };
}

/** From the top, clockwise. */
function onRing(index: number, count: number): { readonly x: number; readonly y: number } {
  if (count === 1) return { x: 0.5, y: 0.5 };
  const angle = (index / count) * 2 * Math.PI - Math.PI / 2;
  return { x: rounded(0.5 + Math.cos(angle) / 2), y: rounded(0.5 + Math.sin(angle) / 2) };
}

function gridColumns(count: number, width: WidthClass): number {
  const most = { narrow: 1, medium: 4, wide: 6 }[width];
  return Math.max(1, Math.min(most, Math.ceil(Math.sqrt(count))));
}

function onGrid(index: number, count: number, columns: number): { readonly x: number; readonly y: number } {
  const rows = Math.max(1, Math.ceil(count / columns));
  return {
    x: rounded(((index % columns) + 0.5) / columns),
    y: rounded((Math.floor(index / columns) + 0.5) / rows),
  };
}

const rounded = (value: number): number => Math.round(value * 10_000) / 10_000;

interface Group {
  readonly id: string;
  readonly nodes: readonly TopologyNodeFigures[];
}

/** Nodes with a part first, by themselves while they are few; those that are alike in state and kind together. */
function grouped(nodes: readonly TopologyNodeFigures[]): readonly Group[] {
  const working = nodes.filter(({ shares }) => shares.length > 0);
  const single = working.length <= mostSingle ? working : [];
  const singles = new Set(single.map(({ nodeId }) => nodeId));
  const groups = new Map<string, TopologyNodeFigures[]>();
  for (const node of nodes) {
    if (singles.has(node.nodeId)) continue;
    const key = groupKey(node);
    const group = groups.get(key) ?? [];
    groups.set(key, group);
    group.push(node);
  }
  const rest = [...groups].map(([key, members]): Group => ({ id: `group:${key}`, nodes: members }));
  rest.sort((left, right) => right.nodes.length - left.nodes.length || (left.id < right.id ? -1 : 1));
  return [...single.map((node): Group => ({ id: node.nodeId, nodes: [node] })), ...rest];
}

function groupKey({ presence, backends, shares, badges }: TopologyNodeFigures): string {
  const isHere = presence === 'self' || presence === 'connected';
  const isHeldBack = badges.some(({ badge }) => badge === 'cordoned' || badge === 'draining' || badge === 'paused');
  const state = isHere ? (isHeldBack ? 'held back' : shares.length > 0 ? 'working' : 'idle') : presence;
  return `${state} ${[...backends].sort().join('+') || 'no devices'}`;
}
