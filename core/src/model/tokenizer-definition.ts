/** What tokenizer.json says, checked: it comes with a checkpoint, and a checkpoint is not trusted. */
import { ShoalError } from '../spec/errors.js';

export type JsonObject = Readonly<Record<string, unknown>>;

/** A token that is cut out of a text before anything else happens to it. */
export interface AddedToken {
  readonly id: number;
  readonly content: string;
  /** A control token: markers of turns, beginning and end of text. */
  readonly special: boolean;
  /** Only where no letter, digit or underscore stands next to it. */
  readonly singleWord: boolean;
  /** Takes the white space before it. */
  readonly leftStrip: boolean;
  /** Takes the white space after it. */
  readonly rightStrip: boolean;
  /** Looked for in the normalized text instead of the text as it came. */
  readonly normalized: boolean;
}

/** A byte-pair encoding. */
export interface BytePairModel {
  /** Ids by token text. */
  readonly vocabulary: ReadonlyMap<string, number>;
  /** Pairs in the order in which they are merged; each an array of two texts, or both with a space between. */
  readonly merges: readonly unknown[];
  readonly unknownToken: string | undefined;
  /** Adjacent unknown characters become one unknown token. */
  readonly fuseUnknown: boolean;
  /** Unknown characters are spelled with the tokens `<0x00>` … `<0xFF>`. */
  readonly byteFallback: boolean;
  /** A whole word that is a token is not put together from parts. */
  readonly ignoreMerges: boolean;
}

export interface TokenizerDefinition {
  readonly model: BytePairModel;
  readonly addedTokens: readonly AddedToken[];
  readonly normalizer: JsonObject | undefined;
  readonly preTokenizer: JsonObject | undefined;
  readonly postProcessor: JsonObject | undefined;
  readonly decoder: JsonObject | undefined;
}

/** Ids index arrays: one absurd id must not cost gigabytes. The largest vocabularies have 262,144 tokens. */
const largestTokenId = (1 << 22) - 1;

/** Longest text of a token, in UTF-16 code units. */
const longestTokenText = 1 << 16;

/** Reads the parsed tokenizer.json. Throws MODEL_TOKENIZER_INVALID naming the field. */
export function readTokenizerDefinition(json: JsonObject): TokenizerDefinition {
  return {
    model: readModel(object(json, 'model')),
    addedTokens: list(json, 'added_tokens').map(readAddedToken),
    normalizer: optionalObject(json, 'normalizer'),
    preTokenizer: optionalObject(json, 'pre_tokenizer'),
    postProcessor: optionalObject(json, 'post_processor'),
    decoder: optionalObject(json, 'decoder'),
  };
}

function readModel(model: JsonObject): BytePairModel {
  // Files of old versions of the tokenizers library do not name the kind.
  const kind = model.type ?? ('merges' in model ? 'BPE' : undefined);
  if (kind !== 'BPE') {
    const name = typeof kind === 'string' ? kind : 'without a type';
    throw invalidTokenizer(`the model is ${name}; only byte-pair encodings (BPE) are supported`);
  }
  for (const name of ['continuing_subword_prefix', 'end_of_word_suffix']) {
    if (optionalText(model, name)) throw invalidTokenizer(`model.${name} is not supported`);
  }
  const vocabulary = new Map<string, number>();
  for (const [token, id] of Object.entries(object(model, 'vocab', 'model'))) {
    vocabulary.set(tokenText(token, 'model.vocab'), tokenId(id, `model.vocab[${JSON.stringify(token)}]`));
  }
  return {
    vocabulary,
    merges: list(model, 'merges', 'model'),
    unknownToken: optionalText(model, 'unk_token'),
    fuseUnknown: model.fuse_unk === true,
    byteFallback: model.byte_fallback === true,
    ignoreMerges: model.ignore_merges === true,
  };
}

function readAddedToken(value: unknown, index: number): AddedToken {
  const where = `added_tokens[${index}]`;
  if (!isObject(value)) throw invalidTokenizer(`${where} is not an object`);
  if (typeof value.content !== 'string' || value.content === '') throw invalidTokenizer(`${where} has no content`);
  const special = value.special === true;
  return {
    id: tokenId(value.id, `${where}.id`),
    content: tokenText(value.content, where),
    special,
    singleWord: value.single_word === true,
    leftStrip: value.lstrip === true,
    rightStrip: value.rstrip === true,
    normalized: typeof value.normalized === 'boolean' ? value.normalized : !special,
  };
}

export function invalidTokenizer(problem: string, details: JsonObject = {}): ShoalError {
  return new ShoalError('MODEL_TOKENIZER_INVALID', `tokenizer.json: ${problem}`, { details });
}

export function isObject(value: unknown): value is JsonObject {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

function object(parent: JsonObject, name: string, path = ''): JsonObject {
  const value = parent[name];
  if (!isObject(value)) throw invalidTokenizer(`${join(path, name)} is not an object`);
  return value;
}

/** Absent and null are the same. */
function optionalObject(parent: JsonObject, name: string): JsonObject | undefined {
  const value = parent[name] ?? undefined;
  if (value === undefined || isObject(value)) return value;
  throw invalidTokenizer(`${name} is neither null nor an object`);
}

function list(parent: JsonObject, name: string, path = ''): readonly unknown[] {
  const value = parent[name] ?? [];
  if (!Array.isArray(value)) throw invalidTokenizer(`${join(path, name)} is not a list`);
  return value;
}

function optionalText(model: JsonObject, name: string): string | undefined {
  const value = model[name] ?? undefined;
  if (value === undefined || typeof value === 'string') return value;
  throw invalidTokenizer(`model.${name} is neither null nor a text`);
}

function tokenText(text: string, where: string): string {
  if (text.length <= longestTokenText) return text;
  throw invalidTokenizer(`${where} has a token of ${text.length} characters; the limit is ${longestTokenText}`);
}

function tokenId(value: unknown, where: string): number {
  if (Number.isInteger(value) && (value as number) >= 0 && (value as number) <= largestTokenId) return value as number;
  throw invalidTokenizer(`${where} is not an id from 0 to ${largestTokenId}`);
}

function join(path: string, name: string): string {
  return path === '' ? name : `${path}.${name}`;
}
