/**
 * The bytes that each token stands for. Text of tokens is their bytes in a row, read as UTF-8; what a decoder of
 * tokenizer.json does beyond that (a space that the first token loses) is kept beside them. So tokens can be turned into
 * text one by one, without the tokenizer, in time and memory that do not depend on the model's files.
 */
import { byteLevelBytes } from './byte-alphabet.js';
import { type AddedToken, invalidTokenizer, isObject, type JsonObject } from './tokenizer-definition.js';

/** A table that can be sent to another thread as it is. */
export interface TokenPieceTable {
  /** Bytes of all tokens, one after the other. */
  readonly bytes: Uint8Array;
  /** Where the bytes of each id begin, and one more: the end of the last. */
  readonly offsets: Uint32Array;
  /** 1 for ids of special tokens. */
  readonly special: Uint8Array;
  /** Spaces that are taken from the beginning of a text: SentencePiece puts one there. */
  readonly leadingSpaces: number;
}

const utf8 = new TextEncoder();

/** Writes the table. Throws MODEL_TOKENIZER_INVALID for a decoder that does not treat tokens one by one. */
export function tokenPieces(
  vocabulary: ReadonlyMap<string, number>,
  addedTokens: readonly AddedToken[],
  decoder: JsonObject | undefined,
): TokenPieceTable {
  const { change, spell, leadingSpaces } = compileDecoder(decoder);
  const pieces: Uint8Array[] = [];
  for (const [token, id] of vocabulary) pieces[id] = spell(change(token));
  // Added tokens are written as they are, never in the alphabet of bytes.
  for (const { id, content } of addedTokens) {
    pieces[id] = (spell === byteLevelBytes ? utf8Bytes : spell)(change(content));
  }
  const offsets = new Uint32Array(pieces.length + 1);
  for (let id = 0; id < pieces.length; id += 1) {
    offsets[id + 1] = (offsets[id] as number) + (pieces[id]?.length ?? 0);
  }
  const bytes = new Uint8Array(offsets[pieces.length] as number);
  pieces.forEach((piece, id) => {
    bytes.set(piece, offsets[id]);
  });
  const special = new Uint8Array(pieces.length);
  for (const token of addedTokens) if (token.special) special[token.id] = 1;
  return { bytes, offsets, special, leadingSpaces };
}

/** What a decoder makes of single tokens. */
interface CompiledDecoder {
  readonly change: (token: string) => string;
  readonly spell: (token: string) => Uint8Array;
  readonly leadingSpaces: number;
}

function compileDecoder(decoder: JsonObject | undefined): CompiledDecoder {
  const changes: ((token: string) => string)[] = [];
  let spell = utf8Bytes;
  let leadingSpaces = 0;
  let isFused = false;
  for (const step of steps(decoder)) {
    switch (step.type) {
      case 'ByteLevel':
        spell = byteLevelBytes;
        isFused = true;
        break;
      case 'ByteFallback':
        spell = byteFallbackBytes;
        break;
      case 'Fuse':
        isFused = true;
        break;
      case 'Replace':
        changes.push(replacement(step));
        break;
      case 'Metaspace': {
        const mark = typeof step.replacement === 'string' ? step.replacement : '▁';
        changes.push((token) => token.replaceAll(mark, ' '));
        // `add_prefix_space` is what older files have.
        if (step.prepend_scheme !== 'never' && step.add_prefix_space !== false) leadingSpaces = 1;
        break;
      }
      case 'Strip':
        if (!isFused || step.content !== ' ' || step.stop !== 0) throw unsupported(step);
        leadingSpaces = Number.isInteger(step.start) ? (step.start as number) : 0;
        break;
      default:
        throw unsupported(step);
    }
  }
  return { change: (token) => changes.reduce((text, change) => change(text), token), spell, leadingSpaces };
}

function* steps(decoder: JsonObject | undefined): Generator<JsonObject> {
  if (decoder === undefined) throw invalidTokenizer('it has no decoder, so that tokens would have no exact text');
  if (decoder.type !== 'Sequence') {
    yield decoder;
    return;
  }
  for (const step of Array.isArray(decoder.decoders) ? (decoder.decoders as unknown[]) : []) {
    if (!isObject(step) || step.type === 'Sequence') throw unsupported(isObject(step) ? step : {});
    yield step;
  }
}

/** Only fixed texts: an expression could look beyond its token, or take for ever. */
function replacement(step: JsonObject): (token: string) => string {
  const { pattern, content } = step;
  const text = isObject(pattern) ? pattern.String : undefined;
  if (typeof text !== 'string' || text === '' || typeof content !== 'string') throw unsupported(step);
  return (token) => token.replaceAll(text, content);
}

function unsupported(step: JsonObject): Error {
  const what = JSON.stringify(step).slice(0, 200);
  return invalidTokenizer(`the decoder ${what} is not supported`, { decoder: step });
}

function byteFallbackBytes(token: string): Uint8Array {
  const byte = /^<0x([0-9A-Fa-f]{2})>$/.exec(token)?.[1];
  return byte === undefined ? utf8.encode(token) : Uint8Array.of(Number.parseInt(byte, 16));
}

function utf8Bytes(token: string): Uint8Array {
  return utf8.encode(token);
}
