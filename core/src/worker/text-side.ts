/** The head's text side: prompts become tokens, tokens become text. Only the head's worker has one. */
import { ChatTemplate } from '../model/chat-template.js';
import { type GenerationConfig, readGenerationConfig } from '../model/generation-config.js';
import type { StreamingDetokenizer } from '../model/streaming-detokenizer.js';
import { TextTokenizer } from '../model/tokenizer.js';
import { ShoalError } from '../spec/errors.js';
import type { SamplingDefaults } from './sampling.js';
import type { GenerationInput } from './worker-protocol.js';

export class TextSide {
  private constructor(
    private readonly tokenizer: TextTokenizer | undefined,
    private readonly tokenizerProblem: ShoalError | undefined,
    private readonly template: ChatTemplate | undefined,
    private readonly generation: GenerationConfig,
  ) {}

  /** A model without a tokenizer is served too, to those who ask with tokens. */
  static async load(directory: string): Promise<TextSide> {
    try {
      const tokenizer = await TextTokenizer.load(directory);
      const template = await ChatTemplate.load(directory, tokenizer.specialTokens);
      const generation = await readGenerationConfig(directory, tokenizer.endToken);
      return new TextSide(tokenizer, undefined, template, generation);
    } catch (thrown) {
      const problem = ShoalError.from(thrown, 'MODEL_TOKENIZER_INVALID');
      return new TextSide(undefined, problem, undefined, await readGenerationConfig(directory));
    }
  }

  get stopTokens(): readonly number[] {
    return this.generation.stopTokens;
  }

  /** What the model recommends for what a request leaves open. */
  get samplingDefaults(): SamplingDefaults {
    return this.generation.defaults;
  }

  /** Throws MODEL_TOKENIZER_INVALID, MODEL_TEMPLATE_INVALID. */
  tokens(input: GenerationInput): Uint32Array {
    if (input.kind === 'tokens') return Uint32Array.from(input.tokens);
    const tokenizer = this.requireTokenizer();
    if (input.kind === 'prompt') return tokenizer.encode(input.prompt);
    if (!this.template) {
      throw new ShoalError(
        'MODEL_TEMPLATE_INVALID',
        'the model has no chat template; give a prompt instead of messages',
      );
    }
    return tokenizer.encode(this.template.render(input.messages), { addSpecialTokens: false });
  }

  /** Undefined when the model has no tokenizer: its answers have tokens but no text. */
  stream(): StreamingDetokenizer | undefined {
    return this.tokenizer?.stream();
  }

  /** Text of one token by itself; a part of a character is U+FFFD. */
  textOf(token: number): string {
    return this.tokenizer?.decode([token], { skipSpecialTokens: false }) ?? '';
  }

  /** Throws MODEL_TOKENIZER_INVALID where the model has none: what needs text cannot be done. */
  requireTokenizer(): TextTokenizer {
    if (!this.tokenizer) throw this.tokenizerProblem ?? new ShoalError('MODEL_TOKENIZER_INVALID', 'no tokenizer');
    return this.tokenizer;
  }
}
