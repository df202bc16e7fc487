/** A titled frame around a part of a screen. */
import type { Region } from './surface.js';
import { clip, textWidth } from './width.js';

export interface PanelOptions {
  /** The keys go here. */
  readonly isFocused?: boolean;
  /** At the right end of the title. */
  readonly note?: string;
}

const narrowestFrame = 24;
const lowestFrame = 3;

/** Draws it; what is left inside. A small one has a line with its title alone. */
export function drawPanel(region: Region, title: string, { isFocused = false, note = '' }: PanelOptions = {}): Region {
  if (region.isEmpty) return region;
  const { glyphs, palette } = region.look;
  const { width, height } = region;
  const border = isFocused ? palette.accent : palette.border;
  const isFramed = width >= narrowestFrame && height >= lowestFrame;
  const corner = isFramed ? glyphs.topLeft : glyphs.horizontal;
  region.write(0, 0, corner + glyphs.horizontal.repeat(Math.max(0, width - 1)), border);
  if (isFramed) region.write(width - 1, 0, glyphs.topRight, border);
  const named = title === '' ? '' : ` ${clip(title, width - 6, glyphs.ellipsis)} `;
  region.write(2, 0, named, palette.title);
  const noteWidth = textWidth(note) + 2;
  if (note !== '' && textWidth(named) + noteWidth + 6 <= width) {
    region.write(width - noteWidth - 2, 0, ` ${note} `, palette.dim);
  }
  if (!isFramed) return region.part(0, 1);
  for (let y = 1; y < height - 1; y += 1) {
    region.write(0, y, glyphs.vertical, border);
    region.write(width - 1, y, glyphs.vertical, border);
  }
  const bottom = glyphs.bottomLeft + glyphs.horizontal.repeat(Math.max(0, width - 2)) + glyphs.bottomRight;
  region.write(0, height - 1, bottom, border);
  return region.part(1, 1, width - 2, height - 2);
}

/** Columns inside a panel of some rows. */
export function panelColumns(width: number): number {
  return width >= narrowestFrame ? width - 2 : width;
}

/** Rows that a panel needs around its contents. */
export function panelRows(width: number, contentRows: number): number {
  return width >= narrowestFrame && contentRows + 2 >= lowestFrame ? contentRows + 2 : contentRows + 1;
}
