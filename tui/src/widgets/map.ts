/** A map of the cluster: nodes as small cards, links as lines between them. */
import type { TopologyEdge, TopologyVertex } from '../views/view-models.js';
import { Canvas } from './canvas.js';
import { drawBadges, drawBars } from './facts.js';
import { type Attribute, inverted, plain } from './style.js';
import type { Region } from './surface.js';
import { clip, textWidth } from './width.js';

interface Card {
  readonly vertex: TopologyVertex;
  readonly left: number;
  readonly top: number;
  readonly width: number;
  readonly height: number;
}

/** Sizes of cards, from the one that says most to the one that is a name alone. */
const sizes = [
  { width: 34, height: 5 },
  { width: 26, height: 5 },
  { width: 22, height: 4 },
  { width: 18, height: 3 },
  { width: 14, height: 2 },
  { width: 12, height: 1 },
  { width: 8, height: 1 },
  { width: 4, height: 1 },
] as const;

/** Where each vertex was drawn, for the mouse. */
export type DrawnVertex = Omit<Card, 'vertex'> & { readonly id: string };

export function drawMap(
  region: Region,
  vertices: readonly TopologyVertex[],
  edges: readonly TopologyEdge[],
): readonly DrawnVertex[] {
  if (region.isEmpty || vertices.length === 0) return [];
  const cards = placeCards(region, vertices);
  const byId = new Map(cards.map((card) => [card.vertex.id, card]));
  const drawn = edges.flatMap((edge) => {
    const [from, to] = [byId.get(edge.from), byId.get(edge.to)];
    return from && to && from !== to ? [{ edge, from: middleOf(from), to: middleOf(to) }] : [];
  });
  // Those that are used last, so that they are on top.
  const ordered = drawn.toSorted((left, right) => Number(left.edge.isOnPath) - Number(right.edge.isOnPath));
  drawEdges(region, ordered);
  for (const card of cards) drawCard(region.part(card.left, card.top, card.width, card.height), card.vertex);
  const taken = cards.map((card) => card);
  for (const one of ordered.toReversed()) drawLabel(region, one, taken);
  return cards.map(({ vertex, ...place }) => ({ id: vertex.id, ...place }));
}

/** The largest size at which no two cards touch. */
function placeCards(region: Region, vertices: readonly TopologyVertex[]): readonly Card[] {
  for (const size of sizes) {
    const cards = cardsOf(region, vertices, size);
    if (size === sizes.at(-1) || (size.width <= region.width && size.height <= region.height && !overlap(cards))) {
      return cards;
    }
  }
  return [];
}

function cardsOf(
  region: Region,
  vertices: readonly TopologyVertex[],
  { width, height }: { readonly width: number; readonly height: number },
): Card[] {
  return vertices.map((vertex) => {
    const room = (all: number, size: number, part: number) => {
      const free = Math.max(0, all - size);
      return Math.min(free, Math.max(0, Math.round(part * all - size / 2)));
    };
    const size = { width: Math.min(width, region.width), height: Math.min(height, region.height) };
    return {
      vertex,
      left: room(region.width, size.width, vertex.x),
      top: room(region.height, size.height, vertex.y),
      ...size,
    };
  });
}

function overlap(cards: readonly Card[]): boolean {
  return cards.some((one, index) => cards.slice(index + 1).some((other) => touches(one, other)));
}

type Rectangle = Omit<Card, 'vertex'>;

function touches(one: Rectangle, other: Rectangle): boolean {
  return (
    one.left < other.left + other.width + 1 &&
    other.left < one.left + one.width + 1 &&
    one.top < other.top + other.height &&
    other.top < one.top + one.height
  );
}

interface Point {
  readonly x: number;
  readonly y: number;
}

const middleOf = ({ left, top, width, height }: Card): Point => ({ x: left + width / 2, y: top + height / 2 });

interface DrawnEdge {
  readonly edge: TopologyEdge;
  readonly from: Point;
  readonly to: Point;
}

function drawEdges(region: Region, edges: readonly DrawnEdge[]): void {
  const { glyphs, palette } = region.look;
  const attributeOf = ({ isOnPath, tone }: TopologyEdge): Attribute =>
    isOnPath ? palette.accent : palette[tone === 'plain' ? 'dim' : tone];
  if (glyphs.hasBraille) {
    const canvas = new Canvas(region);
    const scale = [canvas.width / region.width, canvas.height / region.height] as const;
    for (const { edge, from, to } of edges) {
      const points = [from, to].map(({ x, y }) => [x * scale[0], y * scale[1]] as const);
      canvas.line(points, attributeOf(edge));
    }
    canvas.transfer();
    return;
  }
  for (const { edge, from, to } of edges) {
    const steps = Math.max(1, Math.ceil(Math.max(Math.abs(to.x - from.x) / 2, Math.abs(to.y - from.y))));
    for (let step = 0; step <= steps; step += 1) {
      const x = Math.floor(from.x + ((to.x - from.x) * step) / steps);
      const y = Math.floor(from.y + ((to.y - from.y) * step) / steps);
      region.write(x, y, edge.isOnPath ? '*' : '.', attributeOf(edge));
    }
  }
}

/** What a link is, beside its middle, where that hides nothing. */
function drawLabel(region: Region, { edge, from, to }: DrawnEdge, taken: Rectangle[]): void {
  if (edge.text === '') return;
  const { glyphs, palette } = region.look;
  const text = clip(edge.text, Math.floor(region.width / 2), glyphs.ellipsis);
  const width = textWidth(text);
  for (const part of [0.5, 0.35, 0.65]) {
    const left = Math.round(from.x + (to.x - from.x) * part - width / 2);
    const top = Math.floor(from.y + (to.y - from.y) * part);
    const place = { left, top, width, height: 1 };
    if (left < 0 || left + width > region.width || top < 0 || top >= region.height) continue;
    if (taken.some((one) => touches(one, place))) continue;
    region.write(left, top, text, edge.isOnPath ? palette.accent : palette[edge.tone]);
    taken.push(place);
    return;
  }
}

function drawCard(region: Region, vertex: TopologyVertex): void {
  const { palette, glyphs } = region.look;
  const { label, nodeCount, tone, badges, backends, memory, share, isSelected } = vertex;
  region.fill(' ');
  const attribute = palette[tone === 'plain' ? 'key' : tone];
  const count = nodeCount > 1 && !label.includes(String(nodeCount)) ? ` x${nodeCount}` : '';
  const name = clip(`${region.width > 4 ? `${glyphs.bullet} ` : ''}${label}${count}`, region.width, glyphs.ellipsis);
  const end = region.write(0, 0, name, attribute);
  if (region.height < 3) drawBadges(region, end + 1, 0, badges);
  if (isSelected) region.paint(0, () => inverted(plain));
  const lines = region.part(0, 1);
  if (region.height >= 3) {
    const after = drawBadges(lines, 0, 0, badges);
    lines.writeWithin(after, 0, lines.width - after, backends.text, palette[backends.tone]);
    drawBars(
      lines.part(0, 1),
      [memory, share].slice(0, region.height - 2).filter(({ text }) => text !== ''),
    );
  } else if (region.height === 2) drawBars(lines, [{ ...memory, label: '' }]);
}
