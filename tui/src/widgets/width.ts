/** How wide text is on a terminal, and how it is cut to fit. */
import stringWidth from 'string-width';

/** What a person sees as one character: a letter with its accents, an emoji with its skin. */
export interface Glyph {
  readonly text: string;
  /** Columns: 1 or 2. */
  readonly width: 1 | 2;
}

const plainAscii = /^[ -~]*$/;
const segmenter = new Intl.Segmenter(undefined, { granularity: 'grapheme' });
const ascii: readonly Glyph[] = Array.from({ length: 128 }, (_, code) => ({
  text: String.fromCharCode(code),
  width: 1,
}));

/** Names and titles come again with every frame. Bounded in all: an answer that is written is another text each time. */
const known = new Map<string, readonly Glyph[]>();
const mostKnownCharacters = 100_000;
let knownCharacters = 0;

/** The glyphs of a text; control characters, and what takes no room by itself, are left out. */
export function glyphsOf(text: string): readonly Glyph[] {
  if (plainAscii.test(text)) {
    return Array.from(text, (letter) => ascii[letter.charCodeAt(0)] as Glyph);
  }
  const found = known.get(text);
  if (found) return found;
  const glyphs: Glyph[] = [];
  for (const { segment } of segmenter.segment(text)) {
    const width = stringWidth(segment);
    if (width > 0) glyphs.push({ text: segment, width: width > 1 ? 2 : 1 });
  }
  knownCharacters += text.length;
  if (knownCharacters > mostKnownCharacters) {
    known.clear();
    knownCharacters = text.length;
  }
  known.set(text, glyphs);
  return glyphs;
}

export function textWidth(text: string): number {
  if (plainAscii.test(text)) return text.length;
  return glyphsOf(text).reduce((sum, { width }) => sum + width, 0);
}

/** The beginning of a text that fits, with `ellipsis` where something was cut off. */
export function clip(text: string, columns: number, ellipsis = '…'): string {
  if (columns <= 0) return '';
  if (textWidth(text) <= columns) return text;
  const room = columns - textWidth(ellipsis);
  if (room < 0) return '';
  let kept = '';
  let used = 0;
  for (const glyph of glyphsOf(text)) {
    if (used + glyph.width > room) break;
    kept += glyph.text;
    used += glyph.width;
  }
  return kept + ellipsis;
}

/** Lines of at most `columns`: broken at spaces where possible, and where the text has line breaks. */
export function wrapText(text: string, columns: number): readonly string[] {
  const width = Math.max(1, columns);
  return text.split(/\r?\n/).flatMap((line) => wrapLine(line, width));
}

function wrapLine(line: string, columns: number): readonly string[] {
  if (textWidth(line) <= columns) return [line];
  const lines: string[] = [];
  let current = '';
  let used = 0;
  for (const word of line.split(/(?<= )/)) {
    const width = textWidth(word);
    const solid = textWidth(word.trimEnd());
    if (used > 0 && used + solid > columns) {
      lines.push(current.trimEnd());
      current = '';
      used = 0;
    }
    if (solid <= columns) {
      current += word;
      used += width;
      continue;
    }
    for (const glyph of glyphsOf(word)) {
      if (used + glyph.width > columns) {
        lines.push(current);
        current = '';
        used = 0;
      }
      current += glyph.text;
      used += glyph.width;
    }
  }
  lines.push(current.trimEnd());
  return lines;
}
