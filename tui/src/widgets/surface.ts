/** What a frame is drawn on: cells, of which a display shows those that changed. */
import type { GlyphSet } from './glyph-set.js';
import { type Attribute, type Palette, plain } from './style.js';
import { clip, glyphsOf, textWidth } from './width.js';

/** The right half of a wide glyph. */
export const continuation = '';

/** How things are drawn here. */
export interface Look {
  readonly glyphs: GlyphSet;
  readonly palette: Palette;
}

export class Surface {
  readonly texts: string[];
  readonly attributes: Int32Array;

  constructor(
    readonly width: number,
    readonly height: number,
    readonly look: Look,
  ) {
    this.texts = Array.from({ length: width * height }, () => ' ');
    this.attributes = new Int32Array(width * height).fill(plain);
  }

  clear(): void {
    this.texts.fill(' ');
    this.attributes.fill(plain);
  }

  /** All of it. */
  get region(): Region {
    return new Region(this, 0, 0, this.width, this.height);
  }

  /** Lines as a person sees them. */
  lines(): readonly string[] {
    return Array.from({ length: this.height }, (_, y) =>
      this.texts.slice(y * this.width, (y + 1) * this.width).join(''),
    );
  }

  set(x: number, y: number, text: string, width: 1 | 2, attribute: Attribute): void {
    const at = y * this.width + x;
    // Half of a glyph is none.
    if (this.texts[at] === continuation && x > 0) this.texts[at - 1] = ' ';
    const last = at + width - 1;
    if (x + width < this.width && this.texts[last + 1] === continuation) this.texts[last + 1] = ' ';
    this.texts[at] = text;
    this.attributes[at] = attribute;
    if (width === 2) {
      this.texts[at + 1] = continuation;
      this.attributes[at + 1] = attribute;
    }
  }
}

/** Signs of our own texts, where there are letters alone. */
const plainSigns: Readonly<Record<string, string>> = {
  '·': '-',
  '–': '-',
  '—': '-',
  '…': '~',
  '×': 'x',
  '→': '>',
  '←': '<',
  '≤': '<',
  '≥': '>',
  µ: 'u',
  '°': ' ',
  '’': "'",
};

/** `é` is an `e` with something; what has no letter is a question mark. */
function lettersFor(glyph: string): string {
  const [base = '?'] = glyph.normalize('NFD');
  return plainSigns[glyph] ?? (base <= '~' ? base : '?');
}

/** A rectangle of a surface; what goes beyond it is cut off. */
export class Region {
  constructor(
    readonly surface: Surface,
    readonly left: number,
    readonly top: number,
    readonly width: number,
    readonly height: number,
  ) {}

  get look(): Look {
    return this.surface.look;
  }

  get isEmpty(): boolean {
    return this.width <= 0 || this.height <= 0;
  }

  /** A part of it; what does not fit is left out. */
  part(left: number, top: number, width = this.width - left, height = this.height - top): Region {
    const x = Math.min(Math.max(0, left), this.width);
    const y = Math.min(Math.max(0, top), this.height);
    return new Region(
      this.surface,
      this.left + x,
      this.top + y,
      Math.max(0, Math.min(width, this.width - x)),
      Math.max(0, Math.min(height, this.height - y)),
    );
  }

  /** Writes a line, cut off at the right side; the column after it. */
  write(x: number, y: number, text: string, attribute: Attribute = plain): number {
    if (y < 0 || y >= this.height) return x;
    const { hasAllLetters } = this.look.glyphs;
    let column = x;
    for (const glyph of glyphsOf(text)) {
      if (column + glyph.width > this.width) break;
      if (column >= 0) {
        const shown = hasAllLetters || glyph.text <= '~' ? glyph.text : undefined;
        if (shown !== undefined) this.surface.set(this.left + column, this.top + y, shown, glyph.width, attribute);
        else {
          const letters = lettersFor(glyph.text).padEnd(glyph.width, '?');
          for (let half = 0; half < glyph.width; half += 1) {
            this.surface.set(this.left + column + half, this.top + y, letters[half] ?? '?', 1, attribute);
          }
        }
      }
      column += glyph.width;
    }
    return column;
  }

  /** Writes within so many columns, with an ellipsis where it is cut off. */
  writeWithin(
    x: number,
    y: number,
    columns: number,
    text: string,
    attribute: Attribute = plain,
    align: 'left' | 'right' = 'left',
  ): void {
    const fitting = clip(text, Math.min(columns, this.width - x), this.look.glyphs.ellipsis);
    const indent = align === 'right' ? Math.max(0, columns - textWidth(fitting)) : 0;
    this.write(x + indent, y, fitting, attribute);
  }

  fill(text: string, attribute: Attribute = plain): void {
    for (let y = 0; y < this.height; y += 1) {
      for (let x = 0; x < this.width; x += 1) this.surface.set(this.left + x, this.top + y, text, 1, attribute);
    }
  }

  /** Changes how a line looks. */
  paint(y: number, change: (attribute: Attribute) => Attribute): void {
    if (y < 0 || y >= this.height) return;
    const { attributes, width } = this.surface;
    const start = (this.top + y) * width + this.left;
    for (let at = start; at < start + this.width; at += 1) attributes[at] = change(attributes[at] as Attribute);
  }
}
