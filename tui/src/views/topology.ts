/** Screen 1: a map of the cluster. */
import { combine, type Figure, valueIn } from '../state/figure.js';
import type { DashboardState, LinkState } from '../state/state.js';
import type { Badge, Bar, Fact, Tone, ViewContext } from './blocks.js';
import { badgeTone, drawnInstance, totalKnown } from './shares.js';
import { matcher, table } from './tables.js';
import { type TopologyFigures, type TopologyNodeFigures, topologyFigures } from './topology-figures.js';
import { layOut, type PlacedVertex } from './topology-layout.js';
import type { TopologyEdge, TopologyVertex, TopologyView } from './view-models.js';
import { bytes, cell, counted, fact, figureCell, layers, microseconds, percent, rate, whyUnknown } from './words.js';

/** Between more vertices than these only the path, and what joins the selected one, is drawn. */
const mostFullyJoined = 8;
const mostEdges = 200;
const mostLinkRows = 500;

export function topologyView(state: DashboardState, context: ViewContext): TopologyView {
  const figures = topologyFigures(state);
  const drawn = drawnInstance(state);
  const path = drawn?.plan.stages.flatMap(({ members }) => members.map(({ nodeId }) => nodeId)) ?? [];
  const matches = matcher(context.filter);
  const nodes = matches === undefined ? figures.nodes : figures.nodes.filter((node) => matches(searchText(node)));
  const { shape, vertices } = layOut(nodes, path, context.width);
  const selected = vertices.find(({ id }) => id === context.selected) ?? vertices[0];
  return {
    summary: summary(figures, drawn?.modelName),
    memory: memoryBar('memory', figures.totals.memoryTotalBytes, figures.totals.memoryAvailableBytes),
    layout: shape,
    vertices: vertices.map((vertex) => vertexView(vertex, drawn?.instance, vertex === selected)),
    edges: edges(vertices, figures.links, path, selected),
    leftOut: leftOutTable(figures, context),
    failedLinks: failedLinkTable(figures, context),
    links: linkTable(figures, context),
    details: selected === undefined ? [] : details(selected),
  };
}

function searchText({ nodeName, nodeId, presence, backends, badges, shares }: TopologyNodeFigures): string {
  const words = badges.map(({ badge, reason }) => `${badge} ${reason}`);
  return [nodeName, nodeId, presence, ...backends, ...words, ...shares.map(({ modelName }) => modelName)].join(' ');
}

function summary({ totals }: TopologyFigures, modelName: string | undefined): readonly Fact[] {
  const { nodesThere, nodesMissing, machines, devices } = totals;
  const missing = nodesMissing === 0 ? [] : [fact('missing', counted(nodesMissing, 'node'), 'bad')];
  return [
    fact('cluster', `${counted(nodesThere, 'node')} on ${counted(machines, 'machine')}`),
    fact('devices', String(devices)),
    ...missing,
    fact('drawn', modelName ?? 'nothing is loaded', modelName === undefined ? 'dim' : 'plain'),
  ];
}

export function memoryBar(label: string, total: Figure, available: Figure): Bar {
  const part = combine(total, available, (all, free) => (all > 0 ? Math.min(1, Math.max(0, 1 - free / all)) : 0));
  const used = combine(total, available, (all, free) => Math.max(0, all - free));
  const fraction = valueIn(part) ?? null;
  if (fraction === null) return { label, fraction, text: whyUnknown(part), tone: 'dim' };
  const tone: Tone = fraction > 0.95 ? 'bad' : fraction > 0.85 ? 'warning' : 'plain';
  return { label, fraction, text: `${bytes(used)} of ${bytes(total)}`, tone };
}

function vertexView(
  { id, nodes, x, y }: PlacedVertex,
  instance: string | undefined,
  isSelected: boolean,
): TopologyVertex {
  const [node] = nodes;
  const isGroup = id.startsWith('group:');
  const reason = 'no node of it tells its memory';
  const backends = [...new Set(nodes.flatMap((one) => one.backends))].sort();
  return {
    id,
    label: isGroup ? `${nodes.length} ${id.slice('group:'.length)}` : (node?.nodeName ?? id),
    nodeCount: nodes.length,
    x,
    y,
    tone: vertexTone(nodes),
    badges: isGroup ? [] : (node?.badges ?? []).map(badgeView),
    backends: cell(backends.join(', ') || 'no devices', backends.length === 0 ? 'dim' : 'plain'),
    memory: memoryBar(
      'memory',
      totalKnown(
        nodes.map((one) => one.memoryTotalBytes),
        reason,
      ),
      totalKnown(
        nodes.map((one) => one.memoryAvailableBytes),
        reason,
      ),
    ),
    share: shareBar(nodes, instance),
    isSelected,
  };
}

function badgeView({ badge, reason }: { readonly badge: string; readonly reason: string }): Badge {
  return { text: badge, reason, tone: badgeTone(badge) };
}

function vertexTone(nodes: readonly TopologyNodeFigures[]): Tone {
  const tones = nodes.flatMap(({ badges }) => badges.map((badge) => badgeView(badge).tone));
  if (tones.includes('bad')) return 'bad';
  if (tones.includes('warning')) return 'warning';
  if (nodes.every(({ presence }) => presence === 'gone')) return 'dim';
  return nodes.some(({ shares }) => shares.length > 0) ? 'good' : 'plain';
}

function shareBar(nodes: readonly TopologyNodeFigures[], instance: string | undefined): Bar {
  const shares = nodes.flatMap((node) => node.shares.filter((one) => one.instance === instance));
  if (shares.length === 0) return { label: 'layers', fraction: 0, text: 'none', tone: 'dim' };
  const fraction = Math.min(
    1,
    shares.reduce((sum, { share }) => sum + share, 0),
  );
  const part = percent({ value: fraction, source: 'measured' });
  const [first] = shares;
  const isOne = shares.every(({ stage }) => stage === first?.stage);
  const text = isOne && first !== undefined ? `${layers(first.layers)} (${part})` : part;
  return { label: 'layers', fraction, text, tone: 'plain' };
}

function edges(
  vertices: readonly PlacedVertex[],
  links: readonly LinkState[],
  path: readonly string[],
  selected: PlacedVertex | undefined,
): readonly TopologyEdge[] {
  const vertexOf = new Map(
    vertices.flatMap(({ id, nodes }) => nodes.map(({ nodeId }): [string, string] => [nodeId, id])),
  );
  const found = new Map<string, TopologyEdge>();
  const add = (fromNode: string, toNode: string, isOnPath: boolean, measured?: LinkState) => {
    const [from, to] = [vertexOf.get(fromNode), vertexOf.get(toNode)];
    if (from === undefined || to === undefined || from === to || found.size >= mostEdges) return;
    const link =
      measured ??
      links.find((one) => joins(one, fromNode, toNode)) ??
      links.find((one) => joins(one, toNode, fromNode));
    // One edge for both ways; the path wins, for it is drawn first.
    if (found.has(`${from} ${to}`) || found.has(`${to} ${from}`) || (link === undefined && !isOnPath)) return;
    found.set(`${from} ${to}`, { from, to, ...edgeText(link), isOnPath });
  };
  const hops =
    path.length > 1
      ? path.map((nodeId, index): [string, string] => [nodeId, path[(index + 1) % path.length] ?? ''])
      : [];
  for (const [from, to] of hops) add(from, to, true);
  const joinsSelected = ({ fromNodeId, toNodeId }: LinkState) =>
    vertexOf.get(fromNodeId) === selected?.id || vertexOf.get(toNodeId) === selected?.id;
  const isFew = vertices.length <= mostFullyJoined;
  for (const link of links) if (isFew || joinsSelected(link)) add(link.fromNodeId, link.toNodeId, false, link);
  return [...found.values()];
}

function joins({ fromNodeId, toNodeId }: LinkState, from: string, to: string): boolean {
  return fromNodeId === from && toNodeId === to;
}

function edgeText(link: LinkState | undefined): { readonly text: string; readonly tone: Tone } {
  if (link === undefined) return { text: 'not measured', tone: 'dim' };
  const { kind, latencyMicroseconds, bandwidthBytesPerSecond } = link;
  const figures = [
    'unknown' in latencyMicroseconds ? '' : microseconds(latencyMicroseconds),
    'unknown' in bandwidthBytesPerSecond ? '' : rate(bandwidthBytesPerSecond),
  ].filter((text) => text !== '');
  return { text: [kind, ...figures].join(' '), tone: kind === 'wifi' || kind === 'vpn' ? 'warning' : 'plain' };
}

function leftOutTable({ leftOut }: TopologyFigures, context: ViewContext) {
  return table({
    title: 'Left out',
    wraps: true,
    columns: [
      { key: 'node', title: 'node' },
      { key: 'device', title: 'device', from: 'medium' },
      { key: 'reason', title: 'why', isWide: true },
    ],
    rows: leftOut.map(({ nodeName, device, reason }) => ({
      id: `${nodeName} ${device}`,
      cells: [cell(nodeName), cell(device || 'all'), cell(reason, 'warning')],
    })),
    empty: 'everybody who is here can take part',
    context,
  });
}

function failedLinkTable({ failedLinks, nodes }: TopologyFigures, context: ViewContext) {
  const nameOf = new Map(nodes.map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  return table({
    title: 'Paths that failed',
    columns: [
      { key: 'from', title: 'from' },
      { key: 'to', title: 'to' },
      { key: 'kind', title: 'kind' },
      { key: 'reason', title: 'why', isWide: true },
    ],
    rows: failedLinks.slice(0, mostLinkRows).map(({ fromNodeId, toNodeId, kind, reason }, index) => ({
      id: `${fromNodeId} ${toNodeId} ${kind} ${index}`,
      cells: [
        cell(nameOf.get(fromNodeId) ?? fromNodeId),
        cell(nameOf.get(toNodeId) ?? toNodeId),
        cell(kind),
        cell(reason, 'warning'),
      ],
    })),
    otherRows: Math.max(0, failedLinks.length - mostLinkRows),
    empty: 'every path that was tried works',
    context,
    wraps: true,
  });
}

function linkTable({ links, nodes }: TopologyFigures, context: ViewContext) {
  const nameOf = new Map(nodes.map(({ nodeId, nodeName }) => [nodeId, nodeName]));
  return table({
    title: 'Links',
    columns: [
      { key: 'from', title: 'from' },
      { key: 'to', title: 'to', isWide: true },
      { key: 'kind', title: 'kind' },
      { key: 'latency', title: 'latency', align: 'right' },
      { key: 'bandwidth', title: 'bandwidth', align: 'right' },
      { key: 'source', title: 'source', from: 'medium' },
    ],
    rows: links.slice(0, mostLinkRows).map((link) => ({
      id: `${link.fromNodeId} ${link.toNodeId}`,
      cells: [
        cell(nameOf.get(link.fromNodeId) ?? link.fromNodeId),
        cell(nameOf.get(link.toNodeId) ?? link.toNodeId),
        cell(link.kind),
        figureCell(link.latencyMicroseconds, microseconds),
        figureCell(link.bandwidthBytesPerSecond, rate),
        cell(
          'unknown' in link.bandwidthBytesPerSecond
            ? link.bandwidthBytesPerSecond.unknown
            : link.bandwidthBytesPerSecond.source,
          'dim',
        ),
      ],
    })),
    otherRows: Math.max(0, links.length - mostLinkRows),
    empty: 'no link has been measured yet',
    context,
  });
}

function details({ id, nodes }: PlacedVertex): readonly Fact[] {
  const [node] = nodes;
  if (id.startsWith('group:') || node === undefined) {
    const names = nodes.slice(0, 8).map(({ nodeName }) => nodeName);
    const more = nodes.length > names.length ? `, and ${nodes.length - names.length} more` : '';
    return [fact('nodes', `${names.join(', ')}${more}`)];
  }
  return [
    fact('node', node.nodeName),
    fact('id', node.nodeId, 'dim'),
    fact('devices', node.backends.join(', ') || 'none that can be used'),
    ...node.badges.map((badge) => {
      const { text, tone, reason } = badgeView(badge);
      return fact(text, reason, tone);
    }),
    ...node.shares.map((share) =>
      fact(share.modelName, `stage ${share.stage}, layers ${layers(share.layers)} on ${share.device}`),
    ),
  ];
}
