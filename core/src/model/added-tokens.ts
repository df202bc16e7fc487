import { ShoalError } from '../spec/errors.js';
import type { AddedToken } from './tokenizer-definition.js';

/** A piece of a text: an added token, or what stands between them. */
export interface TextPiece {
  readonly text: string;
  /** Undefined for text between tokens. */
  readonly token: AddedToken | undefined;
}

interface TrieNode {
  readonly next: Map<number, TrieNode>;
  token?: AddedToken;
}

/** Finds added tokens in text: the leftmost, of those the longest. */
export class AddedTokenFinder {
  readonly #root: TrieNode = { next: new Map() };

  /** `spelling`: how a token is spelled in the texts that are searched. */
  constructor(tokens: Iterable<AddedToken>, spelling: (token: AddedToken) => string = ({ content }) => content) {
    for (const token of tokens) {
      let node = this.#root;
      const text = spelling(token);
      for (let index = 0; index < text.length; index += 1) {
        const unit = text.charCodeAt(index);
        let child = node.next.get(unit);
        if (!child) {
          child = { next: new Map() };
          node.next.set(unit, child);
        }
        node = child;
      }
      if (node !== this.#root) node.token = token;
    }
  }

  /** Where tokens are, from left to right, none within another; their flags are not regarded. */
  *matches(text: string): Generator<{ readonly start: number; readonly end: number; readonly token: AddedToken }> {
    let start = 0;
    while (start < text.length) {
      let node = this.#root.next.get(text.charCodeAt(start));
      let found: { start: number; end: number; token: AddedToken } | undefined;
      for (let end = start + 1; node; end += 1) {
        if (node.token) found = { start, end, token: node.token };
        node = end < text.length ? node.next.get(text.charCodeAt(end)) : undefined;
      }
      if (found) yield found;
      start = found?.end ?? start + 1;
    }
  }

  /** The text cut into tokens and what is between them, as their flags say. */
  split(text: string): TextPiece[] {
    const pieces: TextPiece[] = [];
    let done = 0;
    for (const { start, end, token } of this.matches(text)) {
      if (token.singleWord && touchesWord(text, start, end)) continue;
      const from = token.leftStrip ? Math.max(done, start - spaceAtEnd(text, done, start)) : start;
      const until = token.rightStrip ? end + spaceAtStart(text, end) : end;
      if (from > done) pieces.push({ text: text.slice(done, from), token: undefined });
      pieces.push({ text: text.slice(start, end), token });
      done = Math.max(done, until);
    }
    if (done < text.length) pieces.push({ text: text.slice(done), token: undefined });
    return pieces;
  }
}

const endsWithWord = /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]$/u;
const startsWithWord = /^[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]/u;

/** Two code units hold one code point of any kind. */
function touchesWord(text: string, start: number, end: number): boolean {
  return endsWithWord.test(text.slice(Math.max(0, start - 2), start)) || startsWithWord.test(text.slice(end, end + 2));
}

const whiteSpace = /\p{White_Space}/u;

function spaceAtEnd(text: string, from: number, end: number): number {
  let index = end;
  while (index > from && whiteSpace.test(text[index - 1] as string)) index -= 1;
  return end - index;
}

function spaceAtStart(text: string, start: number): number {
  let index = start;
  while (index < text.length && whiteSpace.test(text[index] as string)) index += 1;
  return index - start;
}

/** The characters that Unicode keeps for internal use by programs; one that is in no text serves as a mark. */
const noncharacters = Array.from({ length: 32 }, (_, index) => String.fromCharCode(0xfdd0 + index));

/**
 * Keeps text from becoming control tokens: a mark goes into each place where a special token is spelled out, behind its
 * first character, survives whatever a chat template does with the text, and is taken out again when no token is looked
 * for any more. (A token of a single character, which no tokenizer uses as a marker, cannot be marked.)
 */
export class SpecialTokenMarks {
  readonly mark: string;
  readonly #finder: AddedTokenFinder;

  /** Undefined when no text spells a token. Throws REQUEST_INVALID when the texts leave no character for the mark. */
  static for(texts: readonly string[], finder: AddedTokenFinder): SpecialTokenMarks | undefined {
    if (texts.every((text) => finder.matches(text).next().done)) return undefined;
    const mark = noncharacters.find((character) => !texts.some((text) => text.includes(character)));
    if (mark !== undefined) return new SpecialTokenMarks(mark, finder);
    const message = 'a request is wrong: its text spells special tokens and uses all of U+FDD0 to U+FDEF';
    throw new ShoalError('REQUEST_INVALID', message);
  }

  private constructor(mark: string, finder: AddedTokenFinder) {
    this.mark = mark;
    this.#finder = finder;
  }

  apply(text: string): string {
    let marked = '';
    let done = 0;
    for (const { start } of this.#finder.matches(text)) {
      const middle = start + ((text.codePointAt(start) as number) > 0xffff ? 2 : 1);
      marked += text.slice(done, middle) + this.mark;
      done = middle;
    }
    return marked + text.slice(done);
  }

  remove(text: string): string {
    return text.replaceAll(this.mark, '');
  }
}
