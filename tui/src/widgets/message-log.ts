/** A conversation: the newest words at the bottom, older ones to be scrolled to. */
import type { ChatMessageView } from '../views/view-models.js';
import type { Attribute } from './style.js';
import type { Look, Region } from './surface.js';
import { wrapText } from './width.js';

interface LogLine {
  readonly text: string;
  readonly attribute: Attribute;
}

interface WrappedMessage {
  /** What it was made of. */
  readonly of: string;
  readonly look: Look;
  readonly lines: readonly LogLine[];
}

/** Wrapping all of a long conversation for each word that comes would be felt. */
let wrapped = new Map<string, WrappedMessage>();
let wrappedBefore = wrapped;

/** `scroll`: lines from the bottom. Returns how far one can scroll. */
export function drawMessages(region: Region, messages: readonly ChatMessageView[], scroll: number): number {
  // What is not drawn any more is forgotten.
  wrappedBefore = wrapped;
  wrapped = new Map();
  const lines = messages.flatMap((message) => linesOf(message, region.width, region.look));
  const furthest = Math.max(0, lines.length - region.height);
  const end = lines.length - Math.min(scroll, furthest);
  const start = Math.max(0, end - region.height);
  for (const [y, { text, attribute }] of lines.slice(start, end).entries()) region.write(0, y, text, attribute);
  return furthest;
}

function linesOf(message: ChatMessageView, columns: number, look: Look): readonly LogLine[] {
  const { id, heading, reasoning, text: said, footer } = message;
  // Text only grows.
  const of = [columns, heading.text, reasoning.length, said.length, footer.text].join(' ');
  const known = wrappedBefore.get(id);
  if (known?.of === of && known.look === look) {
    wrapped.set(id, known);
    return known.lines;
  }
  const { palette } = look;
  const lines: LogLine[] = [{ text: heading.text, attribute: palette[heading.tone] }];
  const add = (text: string, attribute: Attribute) => {
    if (text === '') return;
    for (const line of wrapText(text, columns - 2)) lines.push({ text: `  ${line}`, attribute });
  };
  add(reasoning, palette.dim);
  add(said, palette.plain);
  add(footer.text, palette[footer.tone]);
  lines.push({ text: '', attribute: palette.plain });
  wrapped.set(id, { of, look, lines });
  return lines;
}
