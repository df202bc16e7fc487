import type { TokenPieceTable } from './token-pieces.js';

const space = 0x20;

/** Whether special tokens are left out of a text; default true. */
export interface DetokenizerOptions {
  readonly skipSpecialTokens?: boolean;
  /** Special tokens that are shown although others are left out. */
  readonly shownTokens?: ReadonlySet<number> | undefined;
}

/**
 * Text of a growing list of tokens. A token may hold a part of a character: what does not make whole characters yet is
 * held back, and bytes that cannot become one are shown as U+FFFD as soon as that is certain. The pieces, and the rest
 * from `flush`, are together exactly the text of all tokens decoded at once.
 */
export class StreamingDetokenizer {
  readonly #pieces: TokenPieceTable;
  readonly #skipSpecialTokens: boolean;
  readonly #shownTokens: ReadonlySet<number> | undefined;
  readonly #utf8 = new TextDecoder('utf-8', { ignoreBOM: true });
  #leadingSpaces: number;

  constructor(pieces: TokenPieceTable, options: DetokenizerOptions = {}) {
    this.#pieces = pieces;
    this.#skipSpecialTokens = options.skipSpecialTokens ?? true;
    this.#shownTokens = options.shownTokens;
    this.#leadingSpaces = pieces.leadingSpaces;
  }

  /** Adds a token; returns the text that is certain now, perhaps none. Ids beyond the vocabulary have no text. */
  push(id: number): string {
    const { bytes, offsets, special } = this.#pieces;
    const end = offsets[id + 1];
    if (end === undefined) return '';
    if (this.#skipSpecialTokens && special[id] === 1 && !this.#shownTokens?.has(id)) return '';
    let start = offsets[id] as number;
    while (this.#leadingSpaces > 0 && start < end) {
      const isSpace = bytes[start] === space;
      this.#leadingSpaces = isSpace ? this.#leadingSpaces - 1 : 0;
      if (isSpace) start += 1;
    }
    return this.#utf8.decode(bytes.subarray(start, end), { stream: true });
  }

  /** The rest at the end of a generation; an incomplete character becomes U+FFFD. */
  flush(): string {
    this.#leadingSpaces = this.#pieces.leadingSpaces;
    return this.#utf8.decode();
  }
}
