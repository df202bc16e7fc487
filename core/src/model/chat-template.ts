import { ShoalError } from '../spec/errors.js';
import { type AnswerFormat, answerFormatOf } from './answer/answer-format.js';
import {
  type ArgumentStyle,
  type ChatMessage,
  type ToolDefinition,
  templateMessages,
  templateTools,
} from './chat-message.js';
import { readModelJson, readModelText } from './model-file.js';
import { parseTemplate, runTemplate, type TemplateProgram } from './template-interpreter.js';
import { isObject } from './tokenizer-definition.js';

/** Largest template: the longest that are about have 30 KB. */
const maximumTemplateBytes = 1024 * 1024;

export interface RenderOptions {
  /** Whether to end with the beginning of the assistant's next turn; default true. */
  readonly addGenerationPrompt?: boolean;
  /** Functions that the model may call; templates write them into the conversation. */
  readonly tools?: readonly ToolDefinition[];
  /** Further variables of the template, such as `enable_thinking` or `date_string`. */
  readonly variables?: Readonly<Record<string, unknown>>;
  /** For `strftime_now`; default: the clock. */
  readonly now?: () => Date;
}

/** A model's own way to write a conversation as one text. */
export class ChatTemplate {
  readonly #template: TemplateProgram;
  /** For conversations with tools, where a model has one of its own for them. */
  readonly #toolTemplate: TemplateProgram;
  readonly #specialTokens: Readonly<Record<string, string>>;
  readonly #directory: string;
  /** How the model writes calls and thoughts. */
  readonly format: AnswerFormat;
  #argumentStyle: ArgumentStyle | undefined;

  private constructor(sources: TemplateSources, specialTokens: Readonly<Record<string, string>>, directory: string) {
    this.#template = parseTemplate(sources.standard);
    this.#toolTemplate = sources.tools === undefined ? this.#template : parseTemplate(sources.tools);
    this.#specialTokens = specialTokens;
    this.#directory = directory;
    this.format = answerFormatOf(Object.values(sources).join('\n'));
  }

  /** How the model in a folder writes calls and thoughts; undefined when it has no template. */
  static async formatIn(directory: string): Promise<AnswerFormat | undefined> {
    const sources = await templateSources(directory);
    return sources && answerFormatOf(Object.values(sources).join('\n'));
  }

  /**
   * Reads chat_template.jinja, else `chat_template` of tokenizer_config.json: a text, or a list from which `default` is
   * taken, and `tool_use` for conversations with tools. `specialTokens` are what the template may name, such as
   * `bos_token`. Undefined when the model has none; throws MODEL_TEMPLATE_INVALID when it cannot be parsed.
   */
  static async load(
    directory: string,
    specialTokens: Readonly<Record<string, string>>,
  ): Promise<ChatTemplate | undefined> {
    const sources = await templateSources(directory);
    if (sources === undefined) return undefined;
    try {
      for (const { length } of Object.values(sources)) {
        if (length > maximumTemplateBytes) throw new Error(`it has ${length} characters`);
      }
      return new ChatTemplate(sources, specialTokens, directory);
    } catch (thrown) {
      throw invalid(directory, 'cannot be parsed', thrown);
    }
  }

  /**
   * The conversation as text, special tokens included (encode it without adding them again). Throws
   * MODEL_TEMPLATE_INVALID with what the template says against this conversation, or when it does not come to an end.
   */
  render(messages: readonly ChatMessage[], options: RenderOptions = {}): string {
    const { tools, variables, addGenerationPrompt = true, now = () => new Date() } = options;
    const style = messages.some(({ toolCalls = [] }) => toolCalls.length > 0) ? this.#styleOfArguments() : 'object';
    try {
      return this.#run(tools !== undefined, templateMessages(messages, style), now, {
        ...variables,
        tools: tools === undefined ? null : templateTools(tools),
        add_generation_prompt: addGenerationPrompt,
      });
    } catch (thrown) {
      throw invalid(this.#directory, 'does not render this conversation', thrown);
    }
  }

  #run(withTools: boolean, messages: object[], now: () => Date, variables: Readonly<Record<string, unknown>>): string {
    return runTemplate(
      withTools ? this.#toolTemplate : this.#template,
      // Templates ask whether tools and documents are none, as transformers passes them.
      { documents: null, ...this.#specialTokens, ...variables, messages },
      now,
    );
  }

  /** Found out by trying, once: some templates write an object as JSON, others join the text as it is. */
  #styleOfArguments(): ArgumentStyle {
    this.#argumentStyle ??= (['object', 'text'] as const).find((style) => this.#showsArguments(style)) ?? 'object';
    return this.#argumentStyle;
  }

  #showsArguments(style: ArgumentStyle): boolean {
    const call = { id: 'call00000', name: 'probe', arguments: '{"probed_key": "probed_value"}' };
    const turns: ChatMessage[] = [
      { role: 'user', content: 'x' },
      { role: 'assistant', content: '', toolCalls: [call] },
      { role: 'tool', content: 'y', toolCallId: call.id, name: call.name },
    ];
    try {
      const variables = { tools: null, add_generation_prompt: false };
      const text = this.#run(false, templateMessages(turns, style), () => new Date(0), variables);
      return /(?<!\\)"probed_key": ?"probed_value"|probed_key=/.test(text);
    } catch {
      return false;
    }
  }
}

interface TemplateSources {
  readonly standard: string;
  readonly tools?: string;
}

async function templateSources(directory: string): Promise<TemplateSources | undefined> {
  const file = await readModelText(directory, 'chat_template.jinja', 'MODEL_TEMPLATE_INVALID', maximumTemplateBytes);
  if (file !== undefined) return { standard: file };
  return templatesOf(await readModelJson(directory, 'tokenizer_config.json', 'MODEL_TOKENIZER_INVALID'));
}

function templatesOf(tokenizerConfig: Readonly<Record<string, unknown>> | undefined): TemplateSources | undefined {
  const value: unknown = tokenizerConfig?.chat_template;
  if (typeof value === 'string') return { standard: value };
  if (!Array.isArray(value)) return undefined;
  const named = new Map<unknown, string>();
  for (const entry of value as readonly unknown[]) {
    if (isObject(entry) && typeof entry.template === 'string') named.set(entry.name, entry.template);
  }
  const standard = named.get('default') ?? [...named.values()][0];
  const tools = named.get('tool_use');
  return standard === undefined ? undefined : { standard, ...(tools === undefined ? {} : { tools }) };
}

function invalid(directory: string, problem: string, thrown: unknown): ShoalError {
  const reason = thrown instanceof Error ? thrown.message : String(thrown);
  const message = `The chat template of ${directory} ${problem}: ${reason}`;
  return new ShoalError('MODEL_TEMPLATE_INVALID', message, { details: { directory }, cause: thrown });
}
