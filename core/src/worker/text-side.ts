/** The head's text side: prompts become tokens, tokens become text. Only the head's worker has one. */
import { type AnswerFormat, answerParser, markersOf } from '../model/answer/answer-format.js';
import { type AnswerWishes, answerConstraint } from '../model/answer/answer-grammar.js';
import type { AnswerParser } from '../model/answer/parts.js';
import { textsIn } from '../model/chat-message.js';
import { type GenerationConfig, readGenerationConfig } from '../model/generation-config.js';
import { StreamingDetokenizer } from '../model/streaming-detokenizer.js';
import type { TokenPieceTable } from '../model/token-pieces.js';
import type { Constraint } from '../spec/engine.js';
import { ShoalError } from '../spec/errors.js';
import type { SamplingDefaults } from './sampling.js';
import { TextThread } from './text-thread-handle.js';
import type { GenerationInput } from './worker-protocol.js';

/** Longest prompt, in UTF-16 code units: beyond a million tokens. */
const maximumPromptCharacters = 4 * 1024 * 1024;

/** How the answers to a prompt are read. */
export interface AnswerReading {
  /** Special tokens that the parser needs to see. */
  readonly shownTokens: ReadonlySet<number> | undefined;
  /** One for each answer; undefined where all is text. */
  readonly parser: () => AnswerParser | undefined;
  /** What the answer is kept to, where not any text will do. */
  readonly constraint?: Constraint | undefined;
}

export interface Prompt {
  readonly tokens: Uint32Array;
  readonly reading: AnswerReading;
}

/** How a prompt is read. */
export interface PromptOptions {
  /** Whether text that spells a special token becomes that token. */
  readonly parseSpecialTokens?: boolean | undefined;
  /** What the request wants of the answer. */
  readonly constraint?: Constraint | undefined;
  /** Whether the answer does not end, or not only, as the model ends its own. */
  readonly hasOwnEnd?: boolean | undefined;
}

const plain: AnswerReading = { shownTokens: undefined, parser: () => undefined };

export interface TextSideOptions {
  /** The model's folder. */
  readonly directory: string;
  /** Tokens that the model has logits for; undefined when config.json does not say. */
  readonly vocabularySize?: number | undefined;
  /** How long a prompt may take to become tokens; default 20 s. */
  readonly deadlineMilliseconds?: number;
}

export class TextSide {
  private markers: ReadonlyMap<string, number> | undefined;

  private constructor(
    private readonly thread: TextThread,
    private readonly pieces: TokenPieceTable | undefined,
    private readonly problem: ShoalError | undefined,
    private readonly generation: GenerationConfig,
    private readonly vocabularySize: number | undefined,
    private readonly format: AnswerFormat | undefined,
  ) {}

  /** A model without a tokenizer is served too, to those who ask with tokens. Throws MODEL_CONFIG_INVALID. */
  static async load({ directory, vocabularySize, deadlineMilliseconds }: TextSideOptions): Promise<TextSide> {
    const thread = new TextThread(directory, deadlineMilliseconds);
    try {
      const { pieces, endToken, format } = await thread.load();
      const generation = await readGenerationConfig(directory, endToken);
      return new TextSide(thread, pieces, undefined, generation, vocabularySize, format);
    } catch (thrown) {
      await thread.close();
      const problem = ShoalError.from(thrown, 'MODEL_TOKENIZER_INVALID');
      const generation = await readGenerationConfig(directory);
      return new TextSide(thread, undefined, problem, generation, vocabularySize, undefined);
    }
  }

  get stopTokens(): readonly number[] {
    return this.generation.stopTokens;
  }

  /** What the model's makers recommend for what a request leaves open. */
  get samplingDefaults(): SamplingDefaults {
    return this.generation.defaults;
  }

  /**
   * Token ids of what was asked. `parseSpecialTokens`: whether text that spells a special token becomes that token; by
   * default in prompts, whose makers write their own turns, and not in messages. Throws REQUEST_INVALID,
   * REQUEST_TOO_LONG, MODEL_TOKENIZER_INVALID, MODEL_TEMPLATE_INVALID, ARGUMENT_INVALID.
   */
  async tokens(input: GenerationInput, parseSpecialTokens?: boolean): Promise<Uint32Array> {
    return (await this.prompt(input, { parseSpecialTokens })).tokens;
  }

  /** The same, with how to read answers to it. */
  async prompt(input: GenerationInput, options: PromptOptions = {}): Promise<Prompt> {
    const { parseSpecialTokens = input.kind === 'prompt', constraint, hasOwnEnd = false } = options;
    if (input.kind === 'tokens') {
      this.checkRange(input.tokens, 'REQUEST_INVALID', 'a request is wrong: tokens has');
      return { tokens: Uint32Array.from(input.tokens), reading: { ...plain, constraint } };
    }
    this.requireTokenizer();
    const characters = charactersOf(input);
    if (characters > maximumPromptCharacters) {
      const message = `the prompt has ${characters} characters; the limit is ${maximumPromptCharacters}`;
      throw new ShoalError('REQUEST_TOO_LONG', message, { details: { characters } });
    }
    const { tokens, thought } = await this.thread.encode({ input, parseSpecialTokens });
    this.checkRange(tokens, 'MODEL_TOKENIZER_INVALID', "the model's tokenizer gives");
    return { tokens, reading: this.readingOf(input, { thought, requested: constraint, hasOwnEnd }) };
  }

  /** Throws REQUEST_INVALID where calls are wanted that this model cannot make. */
  private readingOf(
    input: GenerationInput,
    wishes: Pick<AnswerWishes, 'thought' | 'requested' | 'hasOwnEnd'>,
  ): AnswerReading {
    const { format, pieces } = this;
    if (input.kind !== 'messages' || !format || !pieces) return { ...plain, constraint: wishes.requested };
    const { tools = [], toolChoice = 'auto', parallelToolCalls: areSeveral = true } = input;
    const options = { tools, isThinking: wishes.thought === 'open' };
    const special = this.markerTokens(format);
    return {
      // Without anybody who reads them, marks are no text.
      shownTokens: answerParser(format, options) && new Set(special.values()),
      parser: () => answerParser(format, options),
      constraint: answerConstraint({
        format,
        tools,
        toolChoice,
        areSeveral,
        ...wishes,
        tokenOf: (text) => special.get(text),
      }),
    };
  }

  /** Special tokens that a parser of the format needs to see, by their text. */
  private markerTokens(format: AnswerFormat): ReadonlyMap<string, number> {
    if (this.markers) return this.markers;
    const wanted = new Set(markersOf(format));
    const markers = new Map<string, number>();
    const { special } = this.pieces ?? { special: [] };
    for (let token = 0; token < special.length; token += 1) {
      const text = special[token] === 1 ? this.textOf(token) : '';
      if (wanted.has(text)) markers.set(text, token);
    }
    this.markers = markers;
    return markers;
  }

  /** Undefined when the model has no tokenizer: its answers have tokens but no text. */
  stream(shownTokens?: ReadonlySet<number>): StreamingDetokenizer | undefined {
    return this.pieces && new StreamingDetokenizer(this.pieces, { shownTokens });
  }

  /** Text of one token by itself; a part of a character is U+FFFD. */
  textOf(token: number): string {
    if (!this.pieces) return '';
    const stream = new StreamingDetokenizer(this.pieces, { skipSpecialTokens: false });
    return stream.push(token) + stream.flush();
  }

  /** Throws MODEL_TOKENIZER_INVALID where the model has none: what needs text cannot be done. */
  requireTokenizer(): void {
    if (this.problem) throw this.problem;
  }

  close(): Promise<void> {
    return this.thread.close();
  }

  private checkRange(
    tokens: ArrayLike<number>,
    code: 'REQUEST_INVALID' | 'MODEL_TOKENIZER_INVALID',
    who: string,
  ): void {
    const { vocabularySize } = this;
    if (vocabularySize === undefined) return;
    for (let index = 0; index < tokens.length; index += 1) {
      const token = tokens[index] as number;
      if (token < vocabularySize) continue;
      const message = `${who} the id ${token}, and the model has ${vocabularySize} tokens`;
      throw new ShoalError(code, message, { details: { token, vocabularySize } });
    }
  }
}

function charactersOf(input: Exclude<GenerationInput, { kind: 'tokens' }>): number {
  if (input.kind === 'prompt') return input.prompt.length;
  let characters = 0;
  for (const text of textsIn(input)) characters += text.length;
  return characters;
}
