/** A chat completion as the node takes it. */
import type { ChatMessage, Constraint, GenerationOrder, ToolChoice } from '@shoal/core';
import { FieldError } from '../problems.js';
import type { ChatBody, ChatBodyMessage } from './chat-schema.js';
import { given, jsonConstraint, samplingOf, templateVariables, toolOf } from './fields.js';

export interface ChatOrder {
  readonly order: GenerationOrder;
  /** What of the request has no effect. */
  readonly warnings: readonly string[];
  /** Only the first call of an answer counts; where a grammar could not say so (an answer with ends of its own), too. */
  readonly isSingleCall: boolean;
}

/** Throws FieldError for what cannot be done. */
export function chatOrder(body: ChatBody): ChatOrder {
  refuseUnsupported(body);
  const tools =
    body.tool_choice === 'none'
      ? []
      : (body.tools ?? []).map(({ function: { name, description, parameters } }) =>
          toolOf(name, description, parameters),
        );
  const variables = templateVariables(body.chat_template_kwargs, body.reasoning_effort);
  const { logprobs, top_logprobs: top } = body;
  if (top != null && !logprobs) {
    throw new FieldError('top_logprobs', "'top_logprobs' is only allowed when 'logprobs' is true.");
  }
  const isSingleCall = body.parallel_tool_calls === false;
  const base = samplingOf(body, body.max_completion_tokens ?? undefined);
  return {
    order: {
      ...base,
      sampling: { ...base.sampling, ...(logprobs ? { logProbabilities: top ?? 0 } : {}), ...constraintOf(body) },
      input: {
        kind: 'messages',
        messages: chatMessages(body.messages),
        ...(tools.length === 0
          ? {}
          : { tools, ...toolChoiceOf(body), ...(isSingleCall ? { parallelToolCalls: false } : {}) }),
        ...(Object.keys(variables).length === 0 ? {} : { templateVariables: variables }),
      },
    },
    warnings: warningsOf(body),
    isSingleCall,
  };
}

function refuseUnsupported(body: ChatBody): void {
  const refuse = (field: string, why: string) => {
    throw new FieldError(field, `Unsupported parameter: '${field}' ${why}`);
  };
  for (const field of given(body, ['functions', 'function_call'])) refuse(field, "is obsolete; use 'tools' instead.");
  const isSpoken = body.modalities?.some((one) => one !== 'text');
  for (const field of [...(isSpoken ? ['modalities'] : []), ...given(body, ['audio'])]) {
    refuse(field, 'is not supported: the models of this cluster answer with text.');
  }
  if (body.web_search_options != null) refuse('web_search_options', 'is not supported: nothing here searches the web.');
  const { response_format: format, tool_choice: choice, tools } = body;
  if (format?.type === 'json_schema' && format.json_schema.schema == null) {
    const field = 'response_format.json_schema.schema';
    throw new FieldError(field, `Missing required parameter: '${field}'.`);
  }
  if (choice != null && choice !== 'none' && (tools ?? []).length === 0) {
    throw new FieldError('tool_choice', "'tool_choice' is only allowed when 'tools' are specified.");
  }
}

function warningsOf(body: ChatBody): string[] {
  const without = given(body, ['metadata', 'store', 'prediction', 'verbosity', 'prompt_cache_retention']);
  if (body.service_tier != null && !['auto', 'default'].includes(body.service_tier)) without.push('service_tier');
  if (body.stream_options?.include_obfuscation) without.push('stream_options.include_obfuscation');
  return without.map((name) => `'${name}' has no effect here`);
}

function toolChoiceOf({ tool_choice: choice }: ChatBody): { readonly toolChoice?: ToolChoice } {
  if (choice === 'required') return { toolChoice: choice };
  return choice == null || typeof choice === 'string' ? {} : { toolChoice: { name: choice.function.name } };
}

function constraintOf({ response_format: format }: ChatBody): { readonly constraint?: Constraint } {
  if (format == null || format.type === 'text') return {};
  const schema = format.type === 'json_schema' ? (format.json_schema.schema ?? {}) : { type: 'object' };
  return jsonConstraint(schema);
}

function chatMessages(messages: readonly ChatBodyMessage[]): ChatMessage[] {
  const names = new Map<string, string>();
  return messages.map((message, index) => {
    const path = `messages.${index}`;
    const { role, tool_calls: calls, tool_call_id: callId } = message;
    if (role === 'tool' && callId == null) {
      throw new FieldError(`${path}.tool_call_id`, `Missing required parameter: '${path}.tool_call_id'.`);
    }
    if (message.content == null && role !== 'assistant') {
      throw new FieldError(`${path}.content`, `Missing required parameter: '${path}.content'.`);
    }
    for (const obsolete of given(message, ['function_call', 'audio'])) {
      const field = `${path}.${obsolete}`;
      throw new FieldError(
        field,
        `Unsupported parameter: '${field}' is not supported here; use 'tool_calls' and text.`,
      );
    }
    for (const { id, function: called } of calls ?? []) names.set(id, called.name);
    const reasoning = message.reasoning_content ?? message.reasoning;
    // Templates of functions' results ask for the name, which this interface does not send again.
    const name = message.name ?? (role === 'tool' ? names.get(callId ?? '') : undefined);
    return {
      // The newer name of the same role, which most templates do not know.
      role: role === 'developer' ? 'system' : role,
      content: contentText(message.content, path),
      ...(reasoning == null ? {} : { reasoning }),
      ...(name == null ? {} : { name }),
      ...(callId == null ? {} : { toolCallId: callId }),
      ...(calls == null || calls.length === 0
        ? {}
        : {
            toolCalls: calls.map(({ id, function: called }) => ({
              id,
              name: called.name,
              arguments: called.arguments,
            })),
          }),
    };
  });
}

function contentText(content: ChatBodyMessage['content'], path: string): string {
  if (content == null) return '';
  if (typeof content === 'string') return content;
  return content
    .map((part, index) => {
      if (part.type === 'text' && part.text !== undefined) return part.text;
      if (part.type === 'refusal' && part.refusal !== undefined) return part.refusal;
      const message = `Invalid content part: '${part.type}' is not supported; the models of this cluster read text.`;
      throw new FieldError(`${path}.content.${index}`, message);
    })
    .join('');
}
