import { readPattern } from './text-pattern.js';
import { invalidTokenizer, isObject, type JsonObject } from './tokenizer-definition.js';

/** Changes a text before it is cut into words. */
export type Normalizer = (text: string) => string;

/** Throws MODEL_TOKENIZER_INVALID. */
export function createNormalizer(json: JsonObject | undefined): Normalizer {
  switch (json?.type) {
    case undefined:
      return (text) => text;
    case 'NFC':
    case 'NFD':
    case 'NFKC':
    case 'NFKD': {
      const form = json.type;
      return (text) => text.normalize(form);
    }
    case 'Lowercase':
      // By character: for whole words JavaScript writes some letters by their place.
      return (text) => Array.from(text, (character) => character.toLowerCase()).join('');
    case 'StripAccents':
      return (text) => text.replace(/\p{M}/gu, '');
    case 'Strip':
      return strip(json);
    case 'Prepend':
      return prepend(json);
    case 'Replace':
      return replace(json);
    case 'Sequence':
      return sequence(json);
    default:
      throw invalidTokenizer(`the normalizer ${String(json?.type)} is not supported`);
  }
}

function sequence({ normalizers }: JsonObject): Normalizer {
  if (!Array.isArray(normalizers) || !normalizers.every(isObject)) {
    throw invalidTokenizer('the normalizer Sequence has no list of normalizers');
  }
  const steps = normalizers.map((step) => createNormalizer(step));
  return (text) => steps.reduce((changed, step) => step(changed), text);
}

function strip({ strip_left: left, strip_right: right }: JsonObject): Normalizer {
  return (text) => {
    const begun = left === true ? text.replace(/^\p{White_Space}+/u, '') : text;
    return right === true ? begun.replace(/(?<!\p{White_Space})\p{White_Space}+$/u, '') : begun;
  };
}

function prepend({ prepend: beginning }: JsonObject): Normalizer {
  if (typeof beginning !== 'string') throw invalidTokenizer('the normalizer Prepend has no text');
  return (text) => (text === '' ? '' : beginning + text);
}

function replace({ pattern, content }: JsonObject): Normalizer {
  if (typeof content !== 'string') throw invalidTokenizer('the normalizer Replace has no content');
  const find = readPattern(pattern, 'the normalizer Replace');
  return (text) => {
    let replaced = '';
    let done = 0;
    for (const [start, end] of find(text)) {
      replaced += text.slice(done, start) + content;
      done = end;
    }
    return replaced + text.slice(done);
  };
}
