/** A message of Anthropic's interface as the node takes it. */
import type { ChatMessage, Constraint, GenerationInput, GenerationOrder, ToolCall, ToolChoice } from '@shoal/core';
import { jsonConstraint, toolOf } from '../openai/fields.js';
import { FieldError } from '../problems.js';
import type { BodyBlock, BodyMessage, CountBody, MessagesBody } from './schema.js';

export interface MessageOrder {
  readonly order: GenerationOrder;
  /** What of the request has no effect. */
  readonly warnings: readonly string[];
  /** Only the first call of an answer counts; where a grammar could not say so (an answer with ends of its own), too. */
  readonly isSingleCall: boolean;
}

/** Throws FieldError for what cannot be done. */
export function messageOrder(body: MessagesBody): MessageOrder {
  if ((body.mcp_servers ?? []).length > 0) throw unsupported('mcp_servers', 'no server is asked from here');
  const { temperature, top_p: topP, top_k: topK, stop_sequences: stop } = body;
  return {
    order: {
      input: promptOf(body),
      ignoreEndOfText: false,
      maximumTokens: body.max_tokens,
      sampling: {
        ...(temperature == null ? {} : { temperature }),
        ...(topP == null ? {} : { topP }),
        ...(topK == null || topK === 0 ? {} : { topK }),
        ...constraintOf(body),
      },
      ...(stop == null || stop.length === 0 ? {} : { stopTexts: stop }),
    },
    warnings: warningsOf(body),
    isSingleCall: body.tool_choice?.disable_parallel_tool_use === true,
  };
}

/** What of a tool has an effect; `cache_control` is told of once. */
const toolFields = new Set('name type description input_schema cache_control strict'.split(' '));

function warningsOf(body: MessagesBody): string[] {
  const without: string[] = [];
  if (body.metadata != null) without.push('metadata');
  if (body.container != null) without.push('container');
  if (body.service_tier != null && body.service_tier !== 'auto') without.push('service_tier');
  if (body.thinking?.budget_tokens != null) without.push('thinking.budget_tokens');
  if (body.thinking?.display != null) without.push('thinking.display');
  // Prompts are read anew each time.
  if (hasCacheControl(body)) without.push('cache_control');
  for (const tool of body.tools ?? []) {
    const unknown = Object.keys(tool).filter((field) => !toolFields.has(field));
    without.push(...unknown.map((field) => `tools: ${field} of ${tool.name}`));
  }
  return [...new Set(without)].map((name) => `'${name}' has no effect here`);
}

/** Anywhere where the interface has it. */
function hasCacheControl({ cache_control: own, system, messages, tools }: MessagesBody): boolean {
  const lists = [system, tools, ...messages.map(({ content }) => content)];
  const marked = (one: unknown) => (one as { cache_control?: unknown }).cache_control != null;
  return own != null || lists.some((list) => Array.isArray(list) && list.some(marked));
}

/** The conversation, for an answer or to be counted. */
export function promptOf(body: CountBody): GenerationInput {
  const { tools: given = [], tool_choice: choice, thinking, output_config: output } = body;
  const tools = choice?.type === 'none' ? [] : (given ?? []).map(toolDefinition);
  const variables: Record<string, unknown> = {
    ...(thinking == null ? {} : { enable_thinking: thinking.type !== 'disabled' }),
    ...(output?.effort == null ? {} : { reasoning_effort: output.effort }),
  };
  const single = choice?.disable_parallel_tool_use ? { parallelToolCalls: false } : {};
  const system = body.system == null ? '' : plainText(body.system, 'system');
  return {
    kind: 'messages',
    messages: [...(system === '' ? [] : [{ role: 'system', content: system }]), ...chatMessages(body.messages)],
    ...(tools.length === 0 ? {} : { tools, ...toolChoiceOf(choice), ...single }),
    ...(Object.keys(variables).length === 0 ? {} : { templateVariables: variables }),
  };
}

function toolChoiceOf(choice: CountBody['tool_choice']): { readonly toolChoice?: ToolChoice } {
  if (choice?.type === 'any') return { toolChoice: 'required' };
  if (choice?.type !== 'tool') return {};
  if (choice.name == null) throw new FieldError('tool_choice.name', 'tool_choice.name: Field required');
  return { toolChoice: { name: choice.name } };
}

function constraintOf({ output_config: output }: MessagesBody): { readonly constraint?: Constraint } {
  if (output?.format == null) return {};
  return jsonConstraint(output.format.schema);
}

function toolDefinition(tool: NonNullable<CountBody['tools']>[number], index: number) {
  const { name, type, description, input_schema: parameters } = tool;
  if (type != null && type !== 'custom')
    throw unsupported(`tools.${index}.type`, `no tool of type '${type}' is built in`);
  return toolOf(name, description, parameters);
}

function chatMessages(messages: readonly BodyMessage[]): ChatMessage[] {
  const names = new Map<string, string>();
  return messages.flatMap(({ role, content }, index) => {
    const path = `messages.${index}.content`;
    if (typeof content === 'string') return [{ role, content }];
    return role === 'assistant' ? [assistantMessage(content, path, names)] : userMessages(role, content, path, names);
  });
}

function assistantMessage(blocks: readonly BodyBlock[], path: string, names: Map<string, string>): ChatMessage {
  let text = '';
  let reasoning = '';
  const toolCalls: ToolCall[] = [];
  for (const [index, block] of blocks.entries()) {
    const { type, id, name, input } = block;
    if (type === 'text') text += block.text ?? '';
    else if (type === 'thinking') reasoning += block.thinking ?? '';
    else if (type === 'tool_use') {
      const missing = id === undefined ? 'id' : name === undefined ? 'name' : undefined;
      if (id === undefined || name === undefined) throw required(`${path}.${index}.${missing ?? ''}`);
      names.set(id, name);
      toolCalls.push({ id, name, arguments: JSON.stringify(input ?? {}) });
    } else if (type !== 'redacted_thinking') throw unreadable(`${path}.${index}`, type);
  }
  return {
    role: 'assistant',
    content: text,
    ...(reasoning === '' ? {} : { reasoning }),
    ...(toolCalls.length === 0 ? {} : { toolCalls }),
  };
}

/** Results of tools are messages of their own, before what the user says. */
function userMessages(
  role: string,
  blocks: readonly BodyBlock[],
  path: string,
  names: ReadonlyMap<string, string>,
): ChatMessage[] {
  const results: ChatMessage[] = [];
  const said: BodyBlock[] = [];
  for (const [index, block] of blocks.entries()) {
    if (block.type !== 'tool_result') {
      said.push(block);
      continue;
    }
    const { tool_use_id: toolCallId, content, is_error: isError } = block;
    if (toolCallId === undefined) throw required(`${path}.${index}.tool_use_id`);
    const text = content == null ? '' : plainText(content, `${path}.${index}.content`);
    const name = names.get(toolCallId);
    const shown = isError ? `Error: ${text}` : text;
    results.push({ role: 'tool', content: shown, toolCallId, ...(name === undefined ? {} : { name }) });
  }
  return said.length === 0 ? results : [...results, { role, content: plainText(said, path) }];
}

function plainText(content: string | readonly { type: string; text?: string }[], path: string): string {
  if (typeof content === 'string') return content;
  return content
    .map(({ type, text }, index) => {
      if (type !== 'text') throw unreadable(`${path}.${index}`, type);
      if (text === undefined) throw required(`${path}.${index}.text`);
      return text;
    })
    .join('\n');
}

const required = (path: string) => new FieldError(path, `${path}: Field required`);
const unsupported = (path: string, why: string) => new FieldError(path, `${path}: not supported here: ${why}`);
const unreadable = (path: string, type: string) =>
  new FieldError(path, `${path}: blocks of type '${type}' are not supported; the models of this cluster read text`);
