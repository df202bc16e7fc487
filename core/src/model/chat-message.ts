/** A conversation, as callers write it and as templates read it. */

/** One turn of a conversation. Templates know `system`, `user` and `assistant`, some more. */
export interface ChatMessage {
  readonly role: string;
  readonly content: string;
  /** What the assistant thought before it said that. Most templates leave out that of earlier turns. */
  readonly reasoning?: string;
  /** Functions that the assistant called. */
  readonly toolCalls?: readonly ToolCall[];
  /** Which of these calls a message of role `tool` answers. */
  readonly toolCallId?: string;
  /** Of the function that a message of role `tool` is about, or of who speaks. */
  readonly name?: string;
}

/** A function that a model wants called. */
export interface ToolCall {
  /** Chosen when the call is made; the answer repeats it. */
  readonly id: string;
  readonly name: string;
  /** JSON text of an object; what a model wrote may be broken. */
  readonly arguments: string;
}

/** A function that a model may call. */
export interface ToolDefinition {
  readonly name: string;
  readonly description?: string;
  /** JSON schema of its arguments, an object. */
  readonly parameters?: Readonly<Record<string, unknown>>;
}

/** Whether the model decides if it calls a function, has to call one, or has to call that one. */
export type ToolChoice = 'auto' | 'required' | { readonly name: string };

/** How a template wants the arguments of earlier calls: as an object, or as the JSON text that it is. */
export type ArgumentStyle = 'object' | 'text';

/** The messages as transformers gives them to templates. */
export function templateMessages(messages: readonly ChatMessage[], style: ArgumentStyle): object[] {
  return messages.map(({ role, content, reasoning, toolCalls = [], toolCallId, name }) => ({
    role,
    // Who only calls functions says nothing; templates tell that from saying an empty text.
    content: content === '' && toolCalls.length > 0 ? null : content,
    // Both names are about: the first of Qwen, DeepSeek and others, the second of gpt-oss.
    ...(reasoning === undefined ? {} : { reasoning_content: reasoning, thinking: reasoning }),
    ...(name === undefined ? {} : { name }),
    ...(toolCallId === undefined ? {} : { tool_call_id: toolCallId }),
    ...(toolCalls.length === 0 ? {} : { tool_calls: toolCalls.map((call) => templateCall(call, style)) }),
  }));
}

function templateCall({ id, name, arguments: text }: ToolCall, style: ArgumentStyle): object {
  return { id, type: 'function', function: { name, arguments: style === 'text' ? text : parsedArguments(text) } };
}

function parsedArguments(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return typeof value === 'object' && value !== null ? value : text;
  } catch {
    return text;
  }
}

export function templateTools(tools: readonly ToolDefinition[]): object[] {
  return tools.map(({ name, description = '', parameters = { type: 'object', properties: {} } }) => ({
    type: 'function',
    function: { name, description, parameters },
  }));
}

/** Every text in a value, names of fields too. */
export function* textsIn(value: unknown): Generator<string> {
  if (typeof value === 'string') yield value;
  else if (Array.isArray(value)) for (const one of value) yield* textsIn(one);
  else if (typeof value === 'object' && value !== null) {
    for (const [name, field] of Object.entries(value)) {
      yield name;
      yield* textsIn(field);
    }
  }
}

/** A copy of a value of JSON with every text in it changed. */
export function mapTexts<Value>(value: Value, change: (text: string) => string): Value {
  if (typeof value === 'string') return change(value) as Value;
  if (Array.isArray(value)) return value.map((one) => mapTexts<unknown>(one, change)) as Value;
  if (typeof value !== 'object' || value === null) return value;
  return Object.fromEntries(
    Object.entries(value).map(([name, field]) => [change(name), mapTexts<unknown>(field, change)]),
  ) as Value;
}
