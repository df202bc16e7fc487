/** Patterns of a tokenizer.json: fixed texts and expressions, and the ways to cut a text by them. */
import { Tokenizer } from '@huggingface/tokenizers';
import { invalidTokenizer, isObject } from './tokenizer-definition.js';

/** Where a pattern is in a text, from left to right: start and end of each match. */
export type TextPattern = (text: string) => Iterable<readonly [number, number]>;

/** What becomes of matches: left out, pieces of their own, joined with a neighbour, or joined among themselves. */
export const splitBehaviors = ['Removed', 'Isolated', 'MergedWithPrevious', 'MergedWithNext', 'Contiguous'] as const;

export type SplitBehavior = (typeof splitBehaviors)[number];

/** Reads `{String}` or `{Regex}`. Throws MODEL_TOKENIZER_INVALID. */
export function readPattern(json: unknown, where: string): TextPattern {
  if (isObject(json) && typeof json.String === 'string') return fixedText(json.String);
  if (isObject(json) && typeof json.Regex === 'string') return expression(translate(json.Regex));
  throw invalidTokenizer(`${where} has no pattern`);
}

export function fixedText(pattern: string): TextPattern {
  return function* (text) {
    if (pattern === '') return;
    for (let at = text.indexOf(pattern); at >= 0; at = text.indexOf(pattern, at + pattern.length)) {
      yield [at, at + pattern.length];
    }
  };
}

/** `pattern` has the flags `g` and `u`. */
export function expression(pattern: RegExp): TextPattern {
  return function* (text) {
    pattern.lastIndex = 0;
    for (let match = pattern.exec(text); match; match = pattern.exec(text)) {
      const end = match.index + match[0].length;
      if (match[0] !== '') yield [match.index, end];
      // An empty match would be found for ever.
      else pattern.lastIndex = end + ((text.codePointAt(end) ?? 0) > 0xffff ? 2 : 1);
    }
  };
}

/**
 * Expressions are written for Oniguruma; the library knows what the same means in JavaScript. It compiles them when it
 * makes a pre-tokenizer, which needs a whole tokenizer around it.
 */
function translate(source: string): RegExp {
  const nothing = { normalizer: null, post_processor: null, decoder: null, added_tokens: [] };
  const split = { type: 'Split', pattern: { Regex: source }, behavior: 'Isolated', invert: false };
  const model = { type: 'BPE', vocab: {}, merges: [] };
  let made: { readonly pattern?: unknown } | null;
  try {
    made = new Tokenizer({ ...nothing, model, pre_tokenizer: split }, {}).pre_tokenizer as typeof made;
  } catch (thrown) {
    throw invalidTokenizer(`an expression cannot be translated: ${(thrown as Error).message}`, { expression: source });
  }
  if (made?.pattern instanceof RegExp) return made.pattern;
  throw invalidTokenizer('an expression cannot be translated', { expression: source });
}

/** A piece of a text from `start` to `end`, which the pattern matched or not. */
interface Span {
  readonly start: number;
  end: number;
  readonly isMatch: boolean;
}

export function splitText(text: string, pattern: TextPattern, behavior: SplitBehavior, invert = false): string[] {
  const spans: Span[] = [];
  let done = 0;
  for (const [start, end] of pattern(text)) {
    if (start > done) spans.push({ start: done, end: start, isMatch: invert });
    spans.push({ start, end, isMatch: !invert });
    done = end;
  }
  if (done < text.length) spans.push({ start: done, end: text.length, isMatch: invert });
  return joinSpans(spans, behavior).map(({ start, end }) => text.slice(start, end));
}

function joinSpans(spans: readonly Span[], behavior: SplitBehavior): readonly Span[] {
  switch (behavior) {
    case 'Isolated':
      return spans;
    case 'Removed':
      return spans.filter(({ isMatch }) => !isMatch);
    case 'Contiguous':
      return joinNeighbours(spans, (span, before) => span.isMatch === before.isMatch);
    case 'MergedWithPrevious':
      return joinNeighbours(spans, (span, before) => span.isMatch && !before.isMatch);
    case 'MergedWithNext':
      return joinNeighbours(spans, (span, before) => before.isMatch && !span.isMatch);
  }
}

/** `joins` is asked with two neighbours as they were found. */
function joinNeighbours(spans: readonly Span[], joins: (span: Span, before: Span) => boolean): readonly Span[] {
  const joined: Span[] = [];
  for (const [index, span] of spans.entries()) {
    const before = spans[index - 1];
    const last = joined.at(-1);
    if (before && last && joins(span, before)) last.end = span.end;
    else joined.push({ ...span });
  }
  return joined;
}
