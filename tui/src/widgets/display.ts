/** Where frames are shown and keys come from. */
import type { Surface } from './surface.js';

/** A key as people name it: `a`, `Q`, `?`, `up`, `pageup`, `enter`, `escape`, `C-c`, `S-tab`. */
export interface KeyPress {
  readonly key: string;
  /** What was typed, where it is text. */
  readonly text?: string;
}

export interface MousePress {
  readonly action: 'press' | 'wheel-up' | 'wheel-down';
  readonly x: number;
  readonly y: number;
}

export interface DisplayObserver {
  readonly key: (press: KeyPress) => void;
  readonly mouse: (press: MousePress) => void;
  /** Everything must be drawn anew. */
  readonly resized: () => void;
}

export interface Position {
  readonly x: number;
  readonly y: number;
}

export interface Display {
  readonly columns: number;
  readonly rows: number;
  /** The terminal has not taken the last frame yet; another one would only make it later. */
  readonly isBehind: boolean;
  /** Shows what is new; the cursor where text is typed. */
  show(surface: Surface, cursor?: Position): void;
  /** Draws everything at the next frame: something else wrote to the terminal. */
  forget(): void;
  /** Gives the terminal back as it was; idempotent. */
  close(): void;
}
