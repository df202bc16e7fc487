/** Facts, bars and badges: short pieces of text with their labels. */
import type { Badge, Bar, Cell, Fact, StackedBar, Tone } from '../views/blocks.js';
import type { Region } from './surface.js';
import { clip, textWidth, wrapText } from './width.js';

/** Writes facts one after the other, as many to a line as fit; the rows that were used. */
export function drawFactFlow(region: Region, facts: readonly Fact[]): number {
  const { glyphs, palette } = region.look;
  let [x, y] = [0, 0];
  for (const { label, text, tone } of facts) {
    const width = textWidth(label) + (label === '' ? 0 : 1) + textWidth(text);
    const gap = x === 0 ? 0 : 3;
    if (x > 0 && x + gap + width > region.width) {
      [x, y] = [0, y + 1];
    } else if (x > 0) x = region.write(x, y, ` ${glyphs.separator} `, palette.dim);
    if (y >= region.height) return region.height;
    if (label !== '') x = region.write(x, y, `${label} `, palette.dim);
    region.writeWithin(x, y, region.width - x, text, palette[tone]);
    x = Math.min(region.width, x + textWidth(text));
  }
  return facts.length === 0 ? 0 : y + 1;
}

/** Rows that `drawFactFlow` would use. */
export function factFlowRows(facts: readonly Fact[], columns: number): number {
  let [x, rows] = [0, 0];
  for (const { label, text } of facts) {
    const width = textWidth(label) + (label === '' ? 0 : 1) + textWidth(text);
    if (rows === 0 || x + 3 + width > columns) {
      rows += 1;
      x = width;
    } else x += 3 + width;
  }
  return rows;
}

/** Writes a fact a line, labels in a column; long ones go on in the next line. The rows that were used. */
export function drawFactList(region: Region, facts: readonly Fact[]): number {
  const { palette } = region.look;
  const labels = labelWidth(facts, region.width);
  let y = 0;
  for (const { label, text, tone } of facts) {
    if (y >= region.height) break;
    region.writeWithin(0, y, labels, label, palette.dim);
    const start = labels === 0 ? 0 : labels + 1;
    for (const line of wrapText(text, region.width - start)) {
      region.write(start, y, line, palette[tone]);
      y += 1;
      if (y >= region.height) break;
    }
  }
  return y;
}

/** Columns that labels get: what the longest needs, but no more than a part of all. */
export function labelWidth(facts: readonly { readonly label: string }[], columns: number): number {
  const longest = Math.max(0, ...facts.map(({ label }) => textWidth(label)));
  return Math.min(longest, Math.floor(columns * 0.4));
}

const widestBar = 30;
const narrowestBar = 4;

/** `memory ██████░░░░ 6 of 10 GB`, a line each; the rows that were used. */
export function drawBars(region: Region, bars: readonly Bar[]): number {
  return drawBarLines(region, bars, (bar, columns) => {
    const { glyphs, palette } = region.look;
    if (bar.fraction === null) return [{ text: glyphs.unknown.repeat(columns), attribute: palette.dim }];
    const filled = filledColumns(bar.fraction, columns);
    return [
      { text: glyphs.full.repeat(filled), attribute: palette[barTone(bar)] },
      { text: glyphs.rest.repeat(columns - filled), attribute: palette.dim },
    ];
  });
}

/** Parts beside each other, told apart by how they are filled and by their colours. */
export function drawStackedBars(region: Region, bars: readonly StackedBar[]): number {
  return drawBarLines(region, bars, (bar, columns) => {
    const { glyphs, palette } = region.look;
    let used = 0;
    const pieces = bar.parts.map(({ fraction, tone }, index) => {
      const width = Math.min(columns - used, filledColumns(fraction, columns));
      used += width;
      return {
        text: (glyphs.parts[index % glyphs.parts.length] ?? glyphs.full).repeat(width),
        attribute: palette[tone],
      };
    });
    return [...pieces, { text: ' '.repeat(columns - used), attribute: palette.dim }];
  });
}

/** What the parts of stacked bars are. */
export function drawLegend(region: Region, bars: readonly StackedBar[]): void {
  const { glyphs, palette } = region.look;
  let x = 0;
  for (const [index, { label, tone }] of (bars[0]?.parts ?? []).entries()) {
    x = region.write(x, 0, glyphs.parts[index % glyphs.parts.length] ?? glyphs.full, palette[tone]);
    x = region.write(x, 0, ` ${label}  `, palette.dim);
  }
}

function drawBarLines<One extends Fact>(
  region: Region,
  bars: readonly One[],
  pieces: (bar: One, columns: number) => readonly { readonly text: string; readonly attribute: number }[],
): number {
  const { palette } = region.look;
  const labels = labelWidth(bars, region.width);
  const start = labels === 0 ? 0 : labels + 1;
  const texts = Math.max(0, ...bars.map(({ text }) => textWidth(text)));
  const columns = Math.min(widestBar, Math.max(narrowestBar, region.width - start - Math.min(texts, 40) - 1));
  for (const [y, bar] of bars.entries()) {
    if (y >= region.height) return region.height;
    region.writeWithin(0, y, labels, bar.label, palette.dim);
    let x = start;
    for (const { text, attribute } of pieces(bar, columns)) x = region.write(x, y, text, attribute);
    region.writeWithin(x + 1, y, region.width - x - 1, bar.text, palette[bar.tone]);
  }
  return Math.min(bars.length, region.height);
}

/** Something, however little, is seen; and what is not all is not shown as all. */
export function filledColumns(fraction: number, columns: number): number {
  const wanted = Math.round(Math.min(1, Math.max(0, fraction)) * columns);
  if (fraction > 0 && wanted === 0) return 1;
  return fraction < 1 && wanted === columns && columns > 1 ? columns - 1 : wanted;
}

function barTone({ tone }: Bar): Tone {
  return tone === 'plain' ? 'accent' : tone;
}

/** ` leader  cordoned `; the column after them. */
export function drawBadges(region: Region, x: number, y: number, badges: readonly Badge[]): number {
  const { palette } = region.look;
  let column = x;
  for (const { text, tone } of badges) {
    if (column + textWidth(text) + 2 > region.width) break;
    column = region.write(column, y, `[${text}]`, palette[tone]) + 1;
  }
  return column;
}

export function drawCell(region: Region, x: number, y: number, { text, tone }: Cell): number {
  return region.write(x, y, clip(text, region.width - x, region.look.glyphs.ellipsis), region.look.palette[tone]);
}
