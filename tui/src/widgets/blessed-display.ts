/**
 * A terminal by blessed: it knows terminals, reads keys and mice, and writes the cells that changed. What its widgets do
 * is done on a `Surface` instead: they count characters by old tables, and are laid out anew with every frame.
 */
import { createRequire } from 'node:module';
import type { ReadStream, WriteStream } from 'node:tty';
import type { Display, DisplayObserver, KeyPress, MousePress, Position } from './display.js';
import { plain } from './style.js';
import { continuation, type Surface } from './surface.js';

/** A cell of blessed: how it looks, and what is written for it. */
type BlessedCell = [attribute: number, text: string];
type BlessedLine = BlessedCell[] & { dirty?: boolean };

interface BlessedKey {
  readonly full?: string;
  readonly name?: string;
}

interface BlessedProgram {
  readonly output: WriteStream;
  on(event: 'keypress', listener: (text: string | undefined, key: BlessedKey) => void): void;
  on(event: 'mouse', listener: (data: { action: string; x: number; y: number }) => void): void;
  on(event: 'resize', listener: () => void): void;
  setMouse(modes: Readonly<Record<string, boolean>>, isEnabled: boolean): void;
  cursorPos(row: number, column: number): void;
  showCursor(): void;
  hideCursor(): void;
  flush(): void;
  readonly cursorHidden?: boolean;
}

interface BlessedScreen {
  readonly program: BlessedProgram;
  readonly tput: { unicode: boolean; brokenACS: boolean };
  readonly lines: BlessedLine[];
  readonly olines: BlessedLine[];
  alloc(isDirty?: boolean): void;
  draw(first: number, last: number): void;
  destroy(): void;
}

type ScreenFactory = (options: Readonly<Record<string, unknown>>) => BlessedScreen;

/** A window that is dragged sends dozens of sizes. */
const resizeMilliseconds = 40;
const mouseModes = { vt200Mouse: true, sgrMouse: true };

export interface TerminalStreams {
  readonly input: ReadStream;
  readonly output: WriteStream;
}

export class BlessedDisplay implements Display {
  private readonly screen: BlessedScreen;
  private isClosed = false;
  private cursor: Position | undefined;

  constructor({ input, output }: TerminalStreams, observer: DisplayObserver) {
    const makeScreen = createRequire(import.meta.url)('blessed/lib/widgets/screen') as ScreenFactory;
    this.screen = makeScreen({
      input,
      output,
      // Of all its descriptions of terminals, this one is quiet and its sequences are understood everywhere; how many
      // colours there are is decided before.
      terminal: 'xterm-256color',
      resizeTimeout: resizeMilliseconds,
    });
    // What is drawn is what this terminal can show: no line drawing of old, and no replacements.
    this.screen.tput.unicode = true;
    this.screen.tput.brokenACS = true;
    const { program } = this.screen;
    program.on('keypress', (text, key) => {
      const press = keyPress(text, key);
      if (press) observer.key(press);
    });
    program.on('mouse', (data) => {
      const press = mousePress(data);
      if (press) observer.mouse(press);
    });
    program.setMouse(mouseModes, true);
    program.on('resize', () => {
      if (!this.isClosed) observer.resized();
    });
  }

  get columns(): number {
    return this.screen.lines[0]?.length ?? 0;
  }

  get rows(): number {
    return this.screen.lines.length;
  }

  get isBehind(): boolean {
    return this.screen.program.output.writableNeedDrain;
  }

  show(surface: Surface, cursor?: Position): void {
    if (this.isClosed) return;
    const { lines, olines, program } = this.screen;
    const height = Math.min(surface.height, lines.length);
    for (let y = 0; y < height; y += 1) {
      const line = lines[y];
      const shown = olines[y];
      if (line && shown) transferLine(surface, y, line, shown);
    }
    this.screen.draw(0, height - 1);
    this.placeCursor(program, cursor);
  }

  forget(): void {
    if (!this.isClosed) this.screen.alloc(true);
  }

  close(): void {
    if (this.isClosed) return;
    this.isClosed = true;
    this.screen.program.setMouse(mouseModes, false);
    this.screen.destroy();
  }

  private placeCursor(program: BlessedProgram, cursor: Position | undefined): void {
    if (cursor === undefined) {
      if (this.cursor) program.hideCursor();
    } else {
      program.cursorPos(cursor.y, cursor.x);
      if (!this.cursor) program.showCursor();
    }
    this.cursor = cursor;
  }
}

/**
 * Copies a line of the surface. The cell after a wide glyph holds an order to go to the next column: terminals disagree on
 * how wide some glyphs are, and so only that glyph looks odd where they do.
 */
function transferLine(surface: Surface, y: number, line: BlessedLine, shown: BlessedLine): void {
  const { texts, attributes, width } = surface;
  const columns = Math.min(width, line.length);
  let isDirty = false;
  for (let x = 0; x < columns; x += 1) {
    const at = y * width + x;
    const cell = line[x] as BlessedCell;
    const old = shown[x] as BlessedCell;
    const attribute = attributes[at] ?? plain;
    let text = texts[at] ?? ' ';
    const isWide = x + 1 < columns && texts[at + 1] === continuation;
    // Two spaces first: where the glyph is narrow, nothing old is left beside it.
    if (isWide) text = `  ${goTo(y, x)}${text}`;
    else if (text === continuation) {
      text = goTo(y, x + 1);
      // The glyph before it is written anew, and so must this be.
      const before = shown[x - 1] as BlessedCell;
      const wanted = line[x - 1] as BlessedCell;
      if (before[0] !== wanted[0] || before[1] !== wanted[1]) old[1] = '\0';
    }
    cell[0] = attribute;
    cell[1] = text;
    if (old[0] !== attribute || old[1] !== text) isDirty = true;
  }
  line.dirty = isDirty;
}

function goTo(y: number, x: number): string {
  return `\u001b[${y + 1};${x + 1}H`;
}

function keyPress(text: string | undefined, { full, name }: BlessedKey): KeyPress | undefined {
  // The other one of the pair that blessed makes of one key.
  if (name === 'return') return undefined;
  const isText = text !== undefined && text.length > 0 && text >= ' ' && text !== '\u007f';
  if (isText && !text.startsWith('\u001b')) return { key: text === ' ' ? 'space' : text, text };
  return full === undefined ? undefined : { key: full };
}

function mousePress({ action, x, y }: { action: string; x: number; y: number }): MousePress | undefined {
  if (action === 'mousedown') return { action: 'press', x, y };
  if (action === 'wheelup') return { action: 'wheel-up', x, y };
  if (action === 'wheeldown') return { action: 'wheel-down', x, y };
  return undefined;
}
