/** A call of the Vercel AI SDK as a chat of ours. */
import type { ChatMessage, ToolCall } from '@shoal/core';
import { ShoalError } from '@shoal/core/client';
import type { ChatOptions } from '../generation-options.js';
import type {
  CallWarning,
  LanguageModelCallOptions,
  PromptMessage,
  PromptPart,
  ToolResultOutput,
} from './specification.js';

export interface ChatCall {
  readonly messages: readonly ChatMessage[];
  readonly options: ChatOptions;
  /** What of the call has no effect. */
  readonly warnings: CallWarning[];
}

/** Throws REQUEST_INVALID for what the models here cannot read. */
export function chatCall(call: LanguageModelCallOptions): ChatCall {
  const warnings: CallWarning[] = [];
  const warn = (feature: string, details: string) => warnings.push({ type: 'unsupported', feature, details });
  const tools = toolsOf(call, warn);
  const variables = reasoningVariables(call.reasoning);
  const { responseFormat, abortSignal } = call;
  return {
    messages: call.prompt.flatMap((message) => chatMessages(message, warn)),
    warnings,
    options: {
      ...given({
        maximumTokens: call.maxOutputTokens,
        temperature: call.temperature,
        topP: call.topP,
        topK: call.topK,
        presencePenalty: call.presencePenalty,
        frequencyPenalty: call.frequencyPenalty,
        seed: call.seed,
        stop: call.stopSequences,
        signal: abortSignal,
      }),
      ...(tools.length === 0 ? {} : { tools, ...toolChoiceOf(call) }),
      ...(variables === undefined ? {} : { templateVariables: variables }),
      ...(responseFormat?.type === 'json' ? { constraint: jsonConstraint(responseFormat.schema) } : {}),
      // Everything that `chat` takes, for what this specification has no name for.
      ...call.providerOptions?.shoal,
    },
  };
}

function jsonConstraint(schema: object | undefined) {
  return { kind: 'json-schema', specification: JSON.stringify(schema ?? { type: 'object' }) };
}

type Warn = (feature: string, details: string) => void;

function toolsOf({ tools = [], toolChoice }: LanguageModelCallOptions, warn: Warn): NonNullable<ChatOptions['tools']> {
  if (toolChoice?.type === 'none') return [];
  return tools.flatMap((tool) => {
    if (tool.type === 'provider') {
      warn(`provider-defined tool ${tool.name}`, 'no tool is built in');
      return [];
    }
    const { name, description, inputSchema } = tool;
    const parameters = inputSchema as Readonly<Record<string, unknown>>;
    return [{ name, parameters, ...(description === undefined ? {} : { description }) }];
  });
}

function toolChoiceOf({ toolChoice }: LanguageModelCallOptions): Pick<ChatOptions, 'toolChoice'> {
  if (toolChoice?.type === 'required') return { toolChoice: 'required' };
  return toolChoice?.type === 'tool' ? { toolChoice: { name: toolChoice.toolName } } : {};
}

/** Names under which templates know it. */
function reasoningVariables(reasoning: string | undefined): Readonly<Record<string, unknown>> | undefined {
  if (reasoning === undefined || reasoning === 'provider-default') return undefined;
  return reasoning === 'none' ? { enable_thinking: false } : { enable_thinking: true, reasoning_effort: reasoning };
}

function chatMessages(message: PromptMessage, warn: Warn): ChatMessage[] {
  if (message.role === 'system') return [{ role: 'system', content: message.content }];
  const { role, content } = message;
  if (role === 'tool') return content.flatMap((part) => toolResult(part, warn));
  let text = '';
  let reasoning = '';
  const toolCalls: ToolCall[] = [];
  for (const part of content) {
    if (part.type === 'text') text += part.text;
    else if (part.type === 'reasoning') reasoning += part.text;
    else if (part.type === 'tool-call') {
      const { toolCallId, toolName, input } = part;
      toolCalls.push({ id: toolCallId, name: toolName, arguments: JSON.stringify(input ?? {}) });
    } else if (role === 'user') {
      throw new ShoalError('REQUEST_INVALID', `a prompt has a part of type ${part.type}; the models here read text`);
    } else warn(`prompt part ${part.type}`, 'it was left out of the conversation');
  }
  return [
    {
      role,
      content: text,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
    },
  ];
}

function toolResult(part: PromptPart, warn: Warn): ChatMessage[] {
  if (part.type === 'tool-result') {
    const { toolCallId, toolName, output } = part;
    return [{ role: 'tool', content: outputText(output), toolCallId, name: toolName }];
  }
  warn(`prompt part ${part.type}`, 'it was left out of the conversation');
  return [];
}

function outputText(output: ToolResultOutput): string {
  switch (output.type) {
    case 'text':
    case 'error-text':
      return output.value;
    case 'json':
    case 'error-json':
      return JSON.stringify(output.value);
    case 'execution-denied':
      return output.reason ?? 'The execution of this tool was denied.';
    case 'content': {
      const other = output.value.find(({ type }) => type !== 'text');
      if (other === undefined) return output.value.map(({ text = '' }) => text).join('');
      const message = `a tool's result has a part of type ${other.type}; the models here read text`;
      throw new ShoalError('REQUEST_INVALID', message);
    }
  }
}

type Given<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}
