import type { Display, DisplayObserver, Position } from '@shoal/tui/internal/widgets/display.js';
import { unicodeGlyphs } from '@shoal/tui/internal/widgets/glyph-set.js';
import { paletteOf } from '@shoal/tui/internal/widgets/style.js';
import type { Look, Surface } from '@shoal/tui/internal/widgets/surface.js';

export const look: Look = { glyphs: unicodeGlyphs, palette: paletteOf('256', 'dark') };

/** A display whose frames are kept as text. */
export class MemoryDisplay implements Display {
  frames = 0;
  isBehind = false;
  isClosed = false;
  cursor: Position | undefined;
  /** How often everything was to be drawn anew. */
  forgotten = 0;
  private lines: readonly string[] = [];
  private attributes = '';

  constructor(
    readonly observer: DisplayObserver,
    public columns = 100,
    public rows = 30,
  ) {}

  get screen(): string {
    return this.lines.join('\n');
  }

  /** With how it looks, too. */
  get picture(): string {
    return `${this.screen}\n${this.attributes}`;
  }

  show(surface: Surface, cursor?: Position): void {
    this.frames += 1;
    this.cursor = cursor;
    this.lines = surface.lines();
    this.attributes = surface.attributes.join(' ');
  }

  forget(): void {
    this.forgotten += 1;
  }

  close(): void {
    this.isClosed = true;
  }

  press(...keys: readonly string[]): void {
    for (const key of keys) this.observer.key(key.length === 1 ? { key, text: key } : { key });
  }

  type(text: string): void {
    for (const letter of text) this.observer.key({ key: letter === ' ' ? 'space' : letter, text: letter });
  }
}
