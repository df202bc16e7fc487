const replacementCharacter = '\uFFFD';

/** Bytes of the longest beginning of a character. A token holds at least one byte. */
const longestIncompleteBytes = 3;

/** Broken bytes without end, as a model out of hand may write them, are cut off from what follows after so many tokens. */
const longestPendingTokens = 64;

/**
 * Text of a growing list of tokens. A token may hold a part of a character, and its text may depend on its neighbours,
 * so that tokens cannot be decoded one by one: this decodes the new tokens together with the last complete ones, and
 * holds back what does not yet make whole characters.
 */
export class StreamingDetokenizer {
  readonly #decode: (ids: readonly number[]) => string;
  /** Tokens whose text is out, kept because the text of the next may depend on them. */
  #context: number[] = [];
  /** Tokens whose text is not out, or only in part. */
  #pending: number[] = [];
  /** Length of the text of context and pending tokens that is out. */
  #shownLength = 0;

  constructor(decode: (ids: readonly number[]) => string) {
    this.#decode = decode;
  }

  /** Adds a token; returns the text that is certain now, perhaps none. */
  push(id: number): string {
    this.#pending.push(id);
    const text = this.#decode([...this.#context, ...this.#pending]);
    const incomplete = this.#incompleteLength(text);
    const added = this.#show(text.slice(0, text.length - incomplete));
    if (incomplete === 0) this.#settle(added);
    return added;
  }

  /** The rest at the end of a generation; an incomplete character becomes U+FFFD. */
  flush(): string {
    const added = this.#show(this.#decode([...this.#context, ...this.#pending]));
    this.#context = [];
    this.#pending = [];
    this.#shownLength = 0;
    return added;
  }

  #show(certain: string): string {
    const added = certain.slice(this.#shownLength);
    this.#shownLength = Math.max(this.#shownLength, certain.length);
    return added;
  }

  /** All text is out: the last tokens that had some become the context. */
  #settle(added: string): void {
    this.#context = added === '' ? [...this.#context, ...this.#pending] : this.#pending;
    this.#pending = [];
    this.#shownLength = this.#decode(this.#context).length;
  }

  /** Length of the end of the text that may still become something else. */
  #incompleteLength(text: string): number {
    if (this.#pending.length >= longestPendingTokens) return 0;
    // Decoders write one U+FFFD for each broken byte or sequence, so that there are no more of them than bytes.
    let length = 0;
    while (length < longestIncompleteBytes && text.at(-1 - length) === replacementCharacter) length += 1;
    return length;
  }
}
