import { Template } from '@huggingface/jinja';
import { ShoalError } from '../spec/errors.js';
import { readModelJson, readModelText } from './model-file.js';

/** One turn of a conversation. Templates know `system`, `user` and `assistant`, some more. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
}

/** A model's own way to write a conversation as one text. */
export class ChatTemplate {
  readonly #template: Template;
  readonly #specialTokens: Readonly<Record<string, string>>;
  readonly #directory: string;

  private constructor(template: Template, specialTokens: Readonly<Record<string, string>>, directory: string) {
    this.#template = template;
    this.#specialTokens = specialTokens;
    this.#directory = directory;
  }

  /**
   * Reads chat_template.jinja, else `chat_template` of tokenizer_config.json (a text, or a list from which `default` is
   * taken). `specialTokens` are what the template may name, such as `bos_token`. Undefined when the model has none;
   * throws MODEL_TEMPLATE_INVALID when it cannot be parsed.
   */
  static async load(
    directory: string,
    specialTokens: Readonly<Record<string, string>>,
  ): Promise<ChatTemplate | undefined> {
    const source =
      (await readModelText(directory, 'chat_template.jinja', 'MODEL_TEMPLATE_INVALID')) ??
      templateOf(await readModelJson(directory, 'tokenizer_config.json', 'MODEL_TOKENIZER_INVALID'));
    if (source === undefined) return undefined;
    try {
      return new ChatTemplate(new Template(source), specialTokens, directory);
    } catch (thrown) {
      throw invalid(directory, 'cannot be parsed', thrown);
    }
  }

  /**
   * The conversation as text, special tokens included (encode it without adding them again). `addGenerationPrompt`
   * (default true) ends it with the beginning of the assistant's next turn.
   */
  render(messages: readonly ChatMessage[], options: { readonly addGenerationPrompt?: boolean } = {}): string {
    try {
      return this.#template.render({
        ...this.#specialTokens,
        messages: messages.map(({ role, content }) => ({ role, content })),
        add_generation_prompt: options.addGenerationPrompt ?? true,
      });
    } catch (thrown) {
      throw invalid(this.#directory, 'does not render this conversation', thrown);
    }
  }
}

function templateOf(tokenizerConfig: Readonly<Record<string, unknown>> | undefined): string | undefined {
  const value: unknown = tokenizerConfig?.chat_template;
  if (typeof value === 'string') return value;
  if (!Array.isArray(value)) return undefined;
  const named = value as readonly { readonly name?: unknown; readonly template?: unknown }[];
  const chosen = named.find(({ name }) => name === 'default') ?? named[0];
  return typeof chosen?.template === 'string' ? chosen.template : undefined;
}

function invalid(directory: string, problem: string, thrown: unknown): ShoalError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `The chat template of ${directory} ${problem}: ${reason}`;
  return new ShoalError('MODEL_TEMPLATE_INVALID', message, { details: { directory }, cause: thrown });
}
