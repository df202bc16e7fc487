// The cluster as a picture: nodes in a ring with their memory around them, and the links by which they reach each other.
import { colorOf, memories } from './cards.js';
import { svgElement } from './elements.js';
import { known, milliseconds } from './format.js';
import { membersOf } from './plan.js';

const width = 360;
const height = 250;
/** One or two lie in a row. */
const lowHeight = 120;
/** Beyond these, names and latencies would lie over each other. */
const mostNames = 12;
const mostLatencies = 6;

export function picture(cluster) {
  const { nodes } = cluster;
  if (nodes.length === 0) return [];
  const isRow = nodes.length < 3;
  const radius = nodes.length > 24 ? 9 : nodes.length > 8 ? 14 : 22;
  const places = new Map(nodes.map(({ nodeId }, index) => [nodeId, placeOf(index, nodes.length)]));
  const edges = edgesOf(cluster).filter(({ ends }) => ends.every((end) => places.has(end)));
  const names = nodes.map(({ nodeName }) => nodeName).join(', ');
  return svgElement(
    'svg',
    {
      viewBox: `0 0 ${width} ${isRow ? lowHeight : height}`,
      role: 'img',
      'aria-label': `${nodes.length} nodes: ${names}`,
    },
    ...edges.map((edge) => line(edge, places)),
    ...(nodes.length <= mostLatencies ? edges.map((edge) => latencyLabel(edge, places)) : []),
    ...nodes.map((node) => nodeMark(cluster, node, places.get(node.nodeId), radius, nodes.length <= mostNames)),
  );
}

function placeOf(index, count) {
  if (count < 3) return { x: count === 1 ? width / 2 : 70 + index * (width - 140), y: 46 };
  // From the top on.
  const angle = (2 * Math.PI * index) / count - Math.PI / 2;
  return { x: width / 2 + 118 * Math.cos(angle), y: 118 + 82 * Math.sin(angle) };
}

/** One for each pair of nodes, with the quickest of its links; and whether a loaded model uses it. */
function edgesOf({ topology, instances }) {
  const edges = new Map();
  const edgeOf = (from, to) => {
    const ends = [from, to].sort();
    const key = ends.join(' ');
    if (!edges.has(key)) edges.set(key, { ends, latency: undefined, kind: undefined, isUsed: false });
    return edges.get(key);
  };
  for (const { from, to, kind, latencyMicroseconds } of topology?.links ?? []) {
    if (from.nodeId === to.nodeId) continue;
    const edge = edgeOf(from.nodeId, to.nodeId);
    const latency = known(latencyMicroseconds);
    edge.kind ??= kind;
    if (latency === undefined || latency >= (edge.latency ?? Number.POSITIVE_INFINITY)) continue;
    Object.assign(edge, { latency, kind });
  }
  for (const { plan } of instances.filter(({ state }) => state === 'ready')) {
    const ids = membersOf(plan).map(({ nodeId }) => nodeId);
    for (const [index, from] of ids.entries()) {
      const to = ids[index + 1];
      if (to !== undefined && to !== from) edgeOf(from, to).isUsed = true;
    }
  }
  return [...edges.values()];
}

function line({ ends, isUsed, kind, latency }, places) {
  const [from, to] = ends.map((end) => places.get(end));
  const said = latency === undefined ? 'not measured' : milliseconds(latency / 1000);
  return svgElement(
    'line',
    { x1: from.x, y1: from.y, x2: to.x, y2: to.y, class: isUsed ? 'link used' : 'link' },
    svgElement('title', {}, `${kind ?? 'a link'}, ${said}`),
  );
}

function latencyLabel({ ends, latency, kind }, places) {
  if (latency === undefined) return [];
  const [from, to] = ends.map((end) => places.get(end));
  // Off the middle, where others cross.
  const along = places.size > 2 ? 0.42 : 0.5;
  const [x, y] = [from.x + (to.x - from.x) * along, from.y + (to.y - from.y) * along];
  return svgElement(
    'g',
    { class: 'latency' },
    svgElement('text', { x, y: y - 6 }, milliseconds(latency / 1000)),
    svgElement('text', { x, y: y + 14, class: 'kind' }, kind),
  );
}

/** Around it its memory: what models of this cluster take in its colour, everything else in grey. */
function nodeMark(cluster, { nodeId, nodeName, state }, { x, y }, radius, isNamed) {
  const color = colorOf(cluster, nodeId);
  const all = memories(cluster, nodeId).filter(({ total, free }) => total !== undefined && free !== undefined);
  const sum = (pick) => all.reduce((total, one) => total + pick(one), 0);
  const total = sum((one) => one.total);
  const own = sum((one) => one.own);
  const used = sum((one) => one.total - one.free);
  const holds = cluster.instances.some(
    (one) => one.state === 'ready' && membersOf(one.plan).some((member) => member.nodeId === nodeId),
  );
  const arcs =
    total === 0 ? [] : [arc(x, y, radius, used / total, 'others'), arc(x, y, radius, own / total, `ring ${color}`)];
  const kinds = new Set(memories(cluster, nodeId).map(({ kind }) => kind));
  const glyph = kinds.has('gpu') ? 'GPU' : kinds.has('cpu') ? 'CPU' : '';
  return svgElement(
    'g',
    { class: `node ${state}${holds ? ' holds' : ''}`, 'data-node': nodeName },
    svgElement(
      'title',
      {},
      `${nodeName}${total === 0 ? '' : `: ${Math.round((100 * used) / total)} % of its memory is in use`}`,
    ),
    svgElement('circle', { cx: x, cy: y, r: radius, class: 'rim' }),
    ...arcs,
    svgElement('circle', { cx: x, cy: y, r: radius - 5, class: `core ${color}` }),
    radius > 20 ? svgElement('text', { x, y: y + 3.5, class: 'glyph' }, glyph) : '',
    isNamed ? svgElement('text', { x, y: y + radius + 15, class: 'name' }, short(nodeName || 'a node')) : '',
    isNamed && state === 'self' ? svgElement('text', { x, y: y + radius + 28, class: 'kind' }, 'this node') : '',
  );
}

/** Clockwise from the top. */
function arc(cx, cy, radius, part, kind) {
  const length = 2 * Math.PI * radius;
  const shown = Math.min(1, Math.max(0, part)) * length;
  return svgElement('circle', {
    cx,
    cy,
    r: radius,
    class: `arc ${kind}`,
    'stroke-dasharray': `${shown} ${length - shown}`,
    transform: `rotate(-90 ${cx} ${cy})`,
  });
}

const short = (name) => (name.length > 16 ? `${name.slice(0, 15)}…` : name);
