import path from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { ShoalError } from '../spec/errors.js';
import { readModelJson } from './model-file.js';
import { StreamingDetokenizer } from './streaming-detokenizer.js';

/** Text to token ids and back, as the model's own files say. */
export class TextTokenizer {
  /** Ids that end a generation: those of generation_config.json, else of config.json, else the tokenizer's own. */
  readonly stopTokens: readonly number[];
  /** Texts of named special tokens (`bos_token`, `eos_token`, …), for chat templates. */
  readonly specialTokens: Readonly<Record<string, string>>;
  /** One more than the largest id. */
  readonly vocabularySize: number;

  readonly #tokenizer: Tokenizer;
  readonly #specialIds: ReadonlySet<number>;

  private constructor(tokenizer: Tokenizer, files: TokenizerFiles) {
    this.#tokenizer = tokenizer;
    this.specialTokens = readSpecialTokens(files.tokenizerConfig);
    this.vocabularySize = 1 + [...tokenizer.get_vocab().values()].reduce((most, id) => Math.max(most, Number(id)), -1);
    const added = [...tokenizer.get_added_tokens_decoder()];
    this.#specialIds = new Set(added.filter(([, token]) => token.special).map(([id]) => id));
    this.stopTokens = this.#findStopTokens(files);
  }

  /** Throws MODEL_TOKENIZER_INVALID when the folder's tokenizer files are missing or broken. */
  static async load(directory: string): Promise<TextTokenizer> {
    const code = 'MODEL_TOKENIZER_INVALID';
    const definition = await readModelJson(directory, 'tokenizer.json', code);
    if (definition === undefined) {
      throw new ShoalError(code, `${directory} has no tokenizer.json.`, { details: { directory } });
    }
    const files: TokenizerFiles = {
      tokenizerConfig: (await readModelJson(directory, 'tokenizer_config.json', code)) ?? {},
      generationConfig: (await readModelJson(directory, 'generation_config.json', code)) ?? {},
      config: (await readModelJson(directory, 'config.json', 'MODEL_CONFIG_INVALID')) ?? {},
    };
    try {
      // The library wants all fields, while the format lets null ones be left out.
      const complete = { normalizer: null, pre_tokenizer: null, post_processor: null, decoder: null, ...definition };
      return new TextTokenizer(new Tokenizer(complete, files.tokenizerConfig), files);
    } catch (thrown) {
      const message = `${path.join(directory, 'tokenizer.json')}: ${(thrown as Error).message}`;
      throw new ShoalError(code, message, { details: { directory }, cause: thrown });
    }
  }

  /**
   * Token ids of a text. `addSpecialTokens` (default true) adds what the tokenizer puts around every text, such as a
   * beginning-of-sequence token; a rendered chat template has these already. Throws ARGUMENT_INVALID for text that the
   * vocabulary cannot spell.
   */
  encode(text: string, options: { readonly addSpecialTokens?: boolean } = {}): Uint32Array {
    const { ids, tokens } = this.#tokenizer.encode(text, { add_special_tokens: options.addSpecialTokens ?? true });
    // Where there is no token for unknown text, the library gives no id.
    const unknown = ids.findIndex((id: number | undefined) => id === undefined);
    if (unknown >= 0) {
      const message = `The model's vocabulary has no token for ${JSON.stringify(tokens[unknown])}.`;
      throw new ShoalError('ARGUMENT_INVALID', message, { details: { token: tokens[unknown] } });
    }
    return Uint32Array.from(ids);
  }

  /** Text of token ids. Special tokens are left out unless asked for; ids beyond the vocabulary have no text. */
  decode(ids: Iterable<number>, options: { readonly skipSpecialTokens?: boolean } = {}): string {
    const skipSpecial = options.skipSpecialTokens ?? true;
    const known = [...ids].filter(
      (id) => !(skipSpecial && this.#specialIds.has(id)) && this.#tokenizer.id_to_token(id) !== undefined,
    );
    if (known.length === 0) return '';
    // Cleaning up spaces would change the text that the model wrote, and what a stream has already shown.
    return this.#tokenizer.decode(known, { skip_special_tokens: false, clean_up_tokenization_spaces: false });
  }

  /** A decoder for one generation, fed token by token. */
  stream(options: { readonly skipSpecialTokens?: boolean } = {}): StreamingDetokenizer {
    return new StreamingDetokenizer((ids) => this.decode(ids, options));
  }

  /** Id of a token by its text. */
  tokenId(token: string): number | undefined {
    return this.#tokenizer.token_to_id(token);
  }

  #findStopTokens({ generationConfig, config }: TokenizerFiles): readonly number[] {
    const configured = [generationConfig, config].map((file) => readIds(file.eos_token_id));
    const found = configured.find((ids) => ids.length > 0);
    if (found !== undefined) return found;
    const own = this.specialTokens.eos_token;
    const id = own === undefined ? undefined : this.tokenId(own);
    return id === undefined ? [] : [id];
  }
}

type JsonObject = Readonly<Record<string, unknown>> & { readonly eos_token_id?: unknown };

interface TokenizerFiles {
  readonly tokenizerConfig: JsonObject;
  readonly generationConfig: JsonObject;
  readonly config: JsonObject;
}

function readIds(value: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
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
