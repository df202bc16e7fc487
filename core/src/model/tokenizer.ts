import path from 'node:path';
import { ShoalError } from '../spec/errors.js';
import { AddedTokenFinder, SpecialTokenMarks } from './added-tokens.js';
import { BytePairEncoding } from './byte-pair-encoding.js';
import { readModelJson } from './model-file.js';
import { createNormalizer, type Normalizer } from './normalizer.js';
import { createPreTokenizer, type PreTokenizer } from './pre-tokenizer.js';
import { type DetokenizerOptions, StreamingDetokenizer } from './streaming-detokenizer.js';
import { type SurroundingTokens, surroundingTokens } from './surrounding-tokens.js';
import { type TokenPieceTable, tokenPieces } from './token-pieces.js';
import { type JsonObject, readTokenizerDefinition, type TokenizerDefinition } from './tokenizer-definition.js';

/** Largest tokenizer.json: the largest vocabularies that are about make 35 MB. */
const maximumFileBytes = 96 * 1024 * 1024;

export interface EncodeOptions {
  /**
   * Whether to add what the tokenizer puts around every text, such as a beginning-of-sequence token; default true. A
   * rendered chat template has these already.
   */
  readonly addSpecialTokens?: boolean;
  /**
   * Whether text that spells a special token becomes that token; default true. False takes it as the plain text that it
   * is: what a stranger wrote can then not end a turn or begin another.
   */
  readonly parseSpecialTokens?: boolean;
  /** Marks of the special tokens in the text that are to stay text, as a chat template may hold beside those that count. */
  readonly marks?: SpecialTokenMarks | undefined;
}

/** Text to token ids and back, as the model's own files say. */
export class TextTokenizer {
  /** Texts of named special tokens (`bos_token`, `eos_token`, …), for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** One more than the largest id. */
  readonly vocabularySize: number;
  /** What each token stands for: all that is needed to make text of tokens. */
  readonly pieces: TokenPieceTable;

  readonly #model: BytePairEncoding;
  readonly #vocabulary: ReadonlyMap<string, number>;
  readonly #addedIds: ReadonlyMap<string, number>;
  readonly #normalize: Normalizer;
  readonly #preTokenize: PreTokenizer;
  readonly #surrounding: SurroundingTokens;
  /** Looked for in the text as it came. */
  readonly #rawTokens: AddedTokenFinder;
  /** Looked for in the normalized text. */
  readonly #normalizedTokens: AddedTokenFinder;
  readonly #controlTokens: AddedTokenFinder;

  private constructor(definition: TokenizerDefinition, tokenizerConfig: JsonObject) {
    const { model, addedTokens } = definition;
    this.specialTokens = readSpecialTokens(tokenizerConfig);
    this.#vocabulary = model.vocabulary;
    this.#model = new BytePairEncoding(model);
    this.#addedIds = new Map(addedTokens.map(({ content, id }) => [content, id]));
    this.#normalize = createNormalizer(definition.normalizer);
    this.#preTokenize = createPreTokenizer(definition.preTokenizer);
    this.#surrounding = surroundingTokens(definition.postProcessor, tokenizerConfig, (token) =>
      this.tokenId(this.specialTokens[token] ?? ''),
    );
    this.#rawTokens = new AddedTokenFinder(addedTokens.filter(({ normalized }) => !normalized));
    this.#normalizedTokens = new AddedTokenFinder(
      addedTokens.filter(({ normalized }) => normalized),
      ({ content }) => this.#normalize(content),
    );
    this.#controlTokens = new AddedTokenFinder(addedTokens.filter(({ special }) => special));
    this.pieces = tokenPieces(model.vocabulary, addedTokens, definition.decoder);
    this.vocabularySize = this.pieces.offsets.length - 1;
  }

  /** Throws MODEL_TOKENIZER_INVALID when the folder's tokenizer files are missing or broken. */
  static async load(directory: string): Promise<TextTokenizer> {
    const code = 'MODEL_TOKENIZER_INVALID';
    const json = await readModelJson(directory, 'tokenizer.json', code, maximumFileBytes);
    if (json === undefined) {
      throw new ShoalError(code, `${directory} has no tokenizer.json.`, { details: { directory } });
    }
    const tokenizerConfig = (await readModelJson(directory, 'tokenizer_config.json', code)) ?? {};
    try {
      return new TextTokenizer(readTokenizerDefinition(json), tokenizerConfig);
    } catch (thrown) {
      const reason = (thrown as Error).message.replace(/^tokenizer\.json: /, '');
      const details = { directory, ...(ShoalError.is(thrown) ? thrown.details : {}) };
      throw new ShoalError(code, `${path.join(directory, 'tokenizer.json')}: ${reason}`, { details, cause: thrown });
    }
  }

  /** Token ids of a text. Throws ARGUMENT_INVALID for text that the vocabulary cannot spell. */
  encode(text: string, options: EncodeOptions = {}): Uint32Array {
    const ids: number[] = [];
    const marks = options.parseSpecialTokens === false ? this.marks([text]) : options.marks;
    // Half a surrogate pair is not text and has no bytes; like every decoder, this makes it U+FFFD.
    const whole = wellFormed(options.parseSpecialTokens === false && marks ? marks.apply(text) : text);
    let isFirst = true;
    for (const piece of this.#rawTokens.split(whole)) {
      if (piece.token) ids.push(piece.token.id);
      else this.#encodeBetweenTokens(piece.text, isFirst, marks, ids);
      isFirst = false;
    }
    return Uint32Array.from((options.addSpecialTokens ?? true) ? this.#surrounding.add(ids) : ids);
  }

  /** Marks for texts that must not become special tokens; undefined when they spell none. Throws REQUEST_INVALID. */
  marks(texts: readonly string[]): SpecialTokenMarks | undefined {
    return SpecialTokenMarks.for(texts, this.#controlTokens);
  }

  /** Id of the tokenizer's own end-of-text token. */
  get endToken(): number | undefined {
    const { eos_token: end } = this.specialTokens;
    return end === undefined ? undefined : this.tokenId(end);
  }

  /** Text of token ids. Special tokens are left out unless asked for; ids beyond the vocabulary have no text. */
  decode(ids: Iterable<number>, options: DetokenizerOptions = {}): string {
    const stream = this.stream(options);
    let text = '';
    for (const id of ids) text += stream.push(id);
    return text + stream.flush();
  }

  /** A decoder for one generation, fed token by token. */
  stream(options: DetokenizerOptions = {}): StreamingDetokenizer {
    return new StreamingDetokenizer(this.pieces, options);
  }

  /** Id of a token by its text. */
  tokenId(token: string): number | undefined {
    return this.#addedIds.get(token) ?? this.#vocabulary.get(token);
  }

  #encodeBetweenTokens(text: string, isFirst: boolean, marks: SpecialTokenMarks | undefined, ids: number[]): void {
    for (const [index, piece] of this.#normalizedTokens.split(this.#normalize(text)).entries()) {
      if (piece.token) {
        ids.push(piece.token.id);
        continue;
      }
      const plain = marks ? marks.remove(piece.text) : piece.text;
      if (plain === '') continue;
      for (const word of this.#preTokenize(plain, isFirst && index === 0)) this.#model.encode(word, ids);
    }
  }
}

function wellFormed(text: string): string {
  return text.replace(/\p{Surrogate}/gu, '\uFFFD');
}

/** A special token is a string, or an object with its text as `content`. */
function readSpecialTokens(tokenizerConfig: JsonObject): Readonly<Record<string, string>> {
  const tokens: Record<string, string> = {};
  for (const [key, value] of Object.entries(tokenizerConfig)) {
    if (!key.endsWith('_token')) continue;
    const text = typeof value === 'object' && value !== null ? (value as { content?: unknown }).content : value;
    if (typeof text === 'string') tokens[key] = text;
  }
  return tokens;
}
