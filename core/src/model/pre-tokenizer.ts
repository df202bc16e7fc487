import { byteLevelText } from './byte-alphabet.js';
import { expression, fixedText, readPattern, type SplitBehavior, splitBehaviors, splitText } from './text-pattern.js';
import { invalidTokenizer, isObject, type JsonObject } from './tokenizer-definition.js';

/** Cuts a text into words. `isFirst`: it is the beginning of the whole text. */
export type PreTokenizer = (text: string, isFirst: boolean) => readonly string[];

/** Throws MODEL_TOKENIZER_INVALID. */
export function createPreTokenizer(json: JsonObject | undefined): PreTokenizer {
  if (json === undefined) return (text) => [text];
  switch (json.type) {
    case 'Sequence':
      return sequence(json);
    case 'ByteLevel':
      return byteLevel(json);
    case 'Metaspace':
      return metaspace(json);
    case 'Split':
      return cutting(readPattern(json.pattern, 'the pre-tokenizer Split'), json, undefined);
    case 'Punctuation':
      return cutting(expression(/[\p{P}!-/:-@[-`{-~]/gu), json, 'Isolated');
    case 'Digits': {
      const behavior = json.individual_digits === true ? 'Isolated' : 'Contiguous';
      return (text) => splitText(text, expression(/\p{N}/gu), behavior);
    }
    case 'Whitespace':
      return (text) => splitText(text, expression(wordsAndSigns), 'Removed', true);
    case 'WhitespaceSplit':
      return (text) => splitText(text, expression(/\p{White_Space}/gu), 'Removed');
    default:
      throw invalidTokenizer(`the pre-tokenizer ${String(json.type)} is not supported`);
  }
}

const wordsAndSigns =
  /[\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}]+|[^\p{Alphabetic}\p{M}\p{Nd}\p{Pc}\p{Join_Control}\p{White_Space}]+/gu;

function sequence(json: JsonObject): PreTokenizer {
  const { pretokenizers } = json;
  if (!Array.isArray(pretokenizers) || !pretokenizers.every(isObject)) {
    throw invalidTokenizer('the pre-tokenizer Sequence has no list of pretokenizers');
  }
  const steps = pretokenizers.map((step) => createPreTokenizer(step));
  return (text, isFirst) =>
    steps.reduce<readonly string[]>(
      (words, step) => words.flatMap((word, index) => step(word, isFirst && index === 0)),
      [text],
    );
}

/** The pattern of GPT-2, with the white space of Unicode, which is not that of JavaScript. */
const gpt2Words = expression(
  /'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\p{White_Space}\p{L}\p{N}]+|\p{White_Space}+(?!\P{White_Space})|\p{White_Space}+/gu,
);

function byteLevel(json: JsonObject): PreTokenizer {
  return (text) => {
    const prefixed = json.add_prefix_space === true && !text.startsWith(' ') ? ` ${text}` : text;
    const words = json.use_regex === false ? [prefixed] : splitText(prefixed, gpt2Words, 'Isolated');
    return words.map(byteLevelText);
  };
}

function metaspace(json: JsonObject): PreTokenizer {
  const mark = typeof json.replacement === 'string' && json.replacement !== '' ? json.replacement : '▁';
  // `add_prefix_space` is what older files have.
  const scheme = json.prepend_scheme ?? (json.add_prefix_space === false ? 'never' : 'always');
  return (text, isFirst) => {
    const marked = text.replaceAll(' ', mark);
    const isPrefixed = scheme === 'always' || (scheme === 'first' && isFirst);
    const prefixed = isPrefixed && !marked.startsWith(mark) ? mark + marked : marked;
    return json.split === false ? [prefixed] : splitText(prefixed, fixedText(mark), 'MergedWithNext');
  };
}

function cutting(
  pattern: ReturnType<typeof fixedText>,
  json: JsonObject,
  standard: SplitBehavior | undefined,
): PreTokenizer {
  const behavior = (json.behavior ?? standard) as SplitBehavior;
  if (!splitBehaviors.includes(behavior)) {
    const what = `the pre-tokenizer ${String(json.type)}`;
    throw invalidTokenizer(`${what} has the unknown behavior ${JSON.stringify(json.behavior)}`);
  }
  return (text) => splitText(text, pattern, behavior, json.invert === true);
}
