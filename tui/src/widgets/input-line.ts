/** A line that is typed: its text, where the cursor is, and what earlier lines were. Pure. */
import type { KeyPress, Position } from './display.js';
import type { Region } from './surface.js';
import { glyphsOf } from './width.js';

export interface InputLine {
  readonly text: string;
  /** In characters of the text. */
  readonly cursor: number;
  readonly history: readonly string[];
  /** Which line of the history is shown; the number of lines: none. */
  readonly place: number;
}

const longestHistory = 100;
const longestText = 8000;

export function inputLine(history: readonly string[] = []): InputLine {
  return { text: '', cursor: 0, history, place: history.length };
}

export function withText(line: InputLine, text: string): InputLine {
  return { ...line, text, cursor: text.length };
}

/** The line after it was entered: empty, with one more of history. */
export function entered(line: InputLine): InputLine {
  const text = line.text.trim();
  const history = text === '' || line.history.at(-1) === text ? line.history : [...line.history, text];
  return inputLine(history.slice(-longestHistory));
}

/** The line after a key; undefined where the key means nothing to it. */
export function edit(line: InputLine, { key, text }: KeyPress): InputLine | undefined {
  if (text !== undefined) return insert(line, text);
  const before = line.text.slice(0, line.cursor);
  const after = line.text.slice(line.cursor);
  switch (key) {
    case 'left':
      return { ...line, cursor: line.cursor - lastGlyph(before) };
    case 'right':
      return { ...line, cursor: line.cursor + firstGlyph(after) };
    case 'home':
    case 'C-a':
      return { ...line, cursor: 0 };
    case 'end':
    case 'C-e':
      return { ...line, cursor: line.text.length };
    case 'backspace':
    case 'C-h': {
      const start = line.cursor - lastGlyph(before);
      return { ...line, text: line.text.slice(0, start) + after, cursor: start };
    }
    case 'delete':
      return { ...line, text: before + after.slice(firstGlyph(after)) };
    case 'C-w': {
      const kept = before.replace(/\S*\s*$/, '');
      return { ...line, text: kept + after, cursor: kept.length };
    }
    case 'C-u':
      return { ...line, text: after, cursor: 0 };
    case 'C-k':
      return { ...line, text: before };
    case 'up':
      return recall(line, line.place - 1);
    case 'down':
      return recall(line, line.place + 1);
    default:
      return undefined;
  }
}

function insert(line: InputLine, typed: string): InputLine {
  const room = longestText - line.text.length;
  const text = typed.slice(0, Math.max(0, room));
  return {
    ...line,
    text: line.text.slice(0, line.cursor) + text + line.text.slice(line.cursor),
    cursor: line.cursor + text.length,
  };
}

function recall(line: InputLine, place: number): InputLine {
  if (place < 0 || place > line.history.length) return line;
  return { ...withText(line, line.history[place] ?? ''), place };
}

function lastGlyph(text: string): number {
  return glyphsOf(text).at(-1)?.text.length ?? Math.min(1, text.length);
}

function firstGlyph(text: string): number {
  return glyphsOf(text)[0]?.text.length ?? Math.min(1, text.length);
}

/** Draws it with what is before it; the end is seen while it is typed. Where the cursor is. */
export function drawInputLine(region: Region, prompt: string, { text, cursor }: InputLine): Position {
  const { palette, glyphs } = region.look;
  const start = region.write(0, 0, prompt, palette.title);
  const room = Math.max(1, region.width - start - 1);
  const before = glyphsOf(text.slice(0, cursor));
  let columns = before.reduce((sum, { width }) => sum + width, 0);
  let first = 0;
  for (; columns > room; first += 1) columns -= before[first]?.width ?? columns;
  const isCut = first > 0;
  const shown = before
    .slice(first)
    .map((glyph) => glyph.text)
    .join('');
  const end = region.write(start, 0, shown + text.slice(cursor));
  if (isCut) region.write(start, 0, glyphs.ellipsis, palette.dim);
  const x = Math.min(start + columns, Math.max(end, start));
  return { x: region.left + Math.min(x, region.width - 1), y: region.top };
}
