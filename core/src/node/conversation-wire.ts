/** Conversations, tools and calls, between the node's types and the control messages. */
import { type messages, parseDocument } from '../control/messages.js';
import type { ChatMessage, ToolChoice, ToolDefinition } from '../model/chat-message.js';
import type { AnswerExtras, GenerationInput, ToolCallPart } from '../worker/worker-protocol.js';
import { invalid } from './wire.js';

type Conversation = Extract<GenerationInput, { kind: 'messages' }>;

export function conversationToMessage(input: Conversation): messages.Conversation.$Properties {
  const { tools, toolChoice, parallelToolCalls, templateVariables } = input;
  return {
    messages: input.messages.map(({ toolCalls = [], ...message }) => ({
      ...message,
      toolCalls: toolCalls.map((call) => ({ ...call })),
    })),
    ...(tools === undefined ? {} : { toolsJson: JSON.stringify(tools) }),
    ...(toolChoice === undefined ? {} : { toolChoiceJson: JSON.stringify(toolChoice) }),
    ...(parallelToolCalls === false ? { singleToolCall: true } : {}),
    ...(templateVariables === undefined ? {} : { templateVariablesJson: JSON.stringify(templateVariables) }),
  };
}

export function conversationFromMessage(message: messages.Conversation.$Properties): Conversation {
  const { toolsJson, toolChoiceJson, singleToolCall, templateVariablesJson } = message;
  return {
    kind: 'messages',
    messages: (message.messages ?? []).map(chatMessage),
    ...(toolsJson ? { tools: parseDocument<ToolDefinition[]>(toolsJson, 'tools') } : {}),
    ...(toolChoiceJson ? { toolChoice: parseDocument<ToolChoice>(toolChoiceJson, 'toolChoice') } : {}),
    ...(singleToolCall ? { parallelToolCalls: false } : {}),
    ...(templateVariablesJson ? { templateVariables: parseDocument(templateVariablesJson, 'templateVariables') } : {}),
  };
}

function chatMessage(message: messages.ChatMessage.$Properties): ChatMessage {
  const { role, content, reasoning, toolCalls, toolCallId, name } = message;
  return {
    role: role ?? '',
    content: content ?? '',
    ...(reasoning == null ? {} : { reasoning }),
    ...(toolCallId == null ? {} : { toolCallId }),
    ...(name == null ? {} : { name }),
    ...(toolCalls?.length
      ? {
          toolCalls: toolCalls.map((call) => ({
            id: call.id ?? '',
            name: call.name ?? '',
            arguments: call.arguments ?? '',
          })),
        }
      : {}),
  };
}

export function extrasToMessage({ reasoning, toolCalls }: AnswerExtras) {
  return {
    ...(reasoning === undefined ? {} : { reasoning }),
    ...(toolCalls === undefined ? {} : { toolCalls: toolCalls.map((part) => ({ ...part })) }),
  };
}

export function extrasFromMessage(message: {
  readonly reasoning?: string | null;
  readonly toolCalls?: readonly messages.ToolCallPart.$Properties[] | null;
}): AnswerExtras {
  const { reasoning, toolCalls } = message;
  return {
    ...(reasoning ? { reasoning } : {}),
    ...(toolCalls?.length ? { toolCalls: toolCalls.map(toolCallPart) } : {}),
  };
}

function toolCallPart({ index, id, name, arguments: text }: messages.ToolCallPart.$Properties): ToolCallPart {
  return {
    index: index ?? 0,
    ...(id == null ? {} : { id }),
    ...(name == null ? {} : { name }),
    arguments: text ?? '',
  };
}

const mostTools = 1024;
const mostMessages = 100_000;
const toolName = /^[A-Za-z0-9_.-]{1,128}$/;

/** Throws REQUEST_INVALID naming the field. */
export function checkConversation(conversation: Conversation): void {
  const { messages: turns, tools = [], toolChoice, parallelToolCalls, templateVariables } = conversation;
  if (turns.length === 0) throw invalid('messages is empty');
  if (turns.length > mostMessages) throw invalid(`messages has more than ${mostMessages} entries`);
  for (const { role, content, toolCalls = [] } of turns) {
    if (typeof role !== 'string' || typeof content !== 'string') throw invalid('messages has one that is not text');
    for (const { name, arguments: text } of toolCalls) {
      if (typeof name !== 'string' || typeof text !== 'string') throw invalid('toolCalls has one that is not text');
    }
  }
  if (!Array.isArray(tools) || tools.length > mostTools) throw invalid(`tools is not a list of up to ${mostTools}`);
  for (const tool of tools as readonly unknown[]) checkTool(tool);
  const names = new Set(tools.map(({ name }) => name));
  if (names.size < tools.length) throw invalid('tools has two of one name');
  checkToolChoice(toolChoice, names);
  if (parallelToolCalls !== undefined && typeof parallelToolCalls !== 'boolean') {
    throw invalid('parallelToolCalls is neither true nor false');
  }
  if (templateVariables !== undefined && !isObject(templateVariables)) {
    throw invalid('templateVariables is not an object');
  }
}

function checkToolChoice(choice: unknown, names: ReadonlySet<string>): void {
  if (choice === undefined || choice === 'auto') return;
  if (names.size === 0) throw invalid('toolChoice asks for a call, and there are no tools');
  if (choice === 'required') return;
  if (!isObject(choice) || typeof choice.name !== 'string') throw invalid('toolChoice is not one of its kinds');
  if (!names.has(choice.name)) throw invalid(`toolChoice names ${choice.name}, which is not one of the tools`);
}

function checkTool(tool: unknown): void {
  if (!isObject(tool) || typeof tool.name !== 'string' || !toolName.test(tool.name)) {
    throw invalid('tools has one whose name is not 1 to 128 letters, digits, dots, dashes and underscores');
  }
  if (tool.description !== undefined && typeof tool.description !== 'string') {
    throw invalid(`the description of tool ${tool.name} is not text`);
  }
  if (tool.parameters !== undefined && !isObject(tool.parameters)) {
    throw invalid(`the parameters of tool ${tool.name} are not a JSON schema`);
  }
}

function isObject(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}
