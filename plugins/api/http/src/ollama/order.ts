/** Requests of Ollama's interface as the node takes them. */
import { randomUUID } from 'node:crypto';
import type { ChatMessage, GenerationInput, GenerationOrder } from '@shoal/core';
import { jsonConstraint, toolOf } from '../openai/fields.js';
import { FieldError } from '../problems.js';
import { type ChatBody, chatSchema, type GenerateBody, generateSchema } from './schema.js';

/** An answer may fill the context that the model is loaded with. */
const noLimit = 2 ** 31;

export const keepAliveWarning = "'keep_alive' has no effect here: models stay until they are unloaded";

export interface OllamaOrder {
  readonly order: GenerationOrder;
  readonly warnings: readonly string[];
}

/** Options that say how Ollama's own runner works; the cluster's plan says that here. */
const knownOptions = new Set(
  'temperature top_k top_p min_p seed num_predict stop repeat_penalty presence_penalty frequency_penalty'.split(' '),
);

export function chatOrder(body: ChatBody): OllamaOrder {
  for (const [index, { type = 'function' }] of (body.tools ?? []).entries()) {
    if (type !== 'function')
      throw new FieldError(`tools.${index}.type`, `tools.${index}.type: there are only functions`);
  }
  const tools = (body.tools ?? []).map(({ function: { name, description, parameters } }) =>
    toolOf(name, description, parameters),
  );
  const messages = (body.messages ?? []).map(chatMessage);
  return orderOf(body, {
    kind: 'messages',
    messages,
    ...(tools.length === 0 ? {} : { tools }),
    ...variablesOf(body.think),
  });
}

export function generateOrder(body: GenerateBody): OllamaOrder {
  if (body.suffix) throw new FieldError('suffix', 'suffix is not supported by the models of this cluster');
  if (body.template) throw new FieldError('template', 'template is not supported: a model is asked with its own');
  refuseImages(body.images, 'images');
  const prompt = body.prompt ?? '';
  if (body.raw) return orderOf(body, { kind: 'prompt', prompt });
  const messages = [
    ...(body.system ? [{ role: 'system', content: body.system }] : []),
    { role: 'user', content: prompt },
  ];
  return orderOf(body, { kind: 'messages', messages, ...variablesOf(body.think) });
}

function orderOf(body: ChatBody | GenerateBody, input: GenerationInput): OllamaOrder {
  const { temperature, top_k: topK, top_p: topP, min_p: minP, seed, num_predict: count, ...more } = body.options ?? {};
  const stop = more.stop == null ? [] : [more.stop].flat();
  const warnings = Object.keys(body.options ?? {})
    .filter((name) => !knownOptions.has(name))
    .map((name) => `'options.${name}' has no effect here`);
  const known = { ...chatSchema.properties, ...generateSchema.properties };
  const unknown = Object.keys(body).filter((name) => !Object.hasOwn(known, name));
  warnings.push(...unknown.map((name) => `'${name}' is not known here`));
  if ('context' in body && body.context != null) warnings.push("'context' has no effect here: send the whole prompt");
  if (body.keep_alive != null) warnings.push(keepAliveWarning);
  for (const field of ['top_logprobs', 'logprobs'] as const) {
    if (body[field]) throw new FieldError(field, `${field} is not supported here; /v1/chat/completions has it`);
  }
  return {
    order: {
      input,
      ignoreEndOfText: false,
      maximumTokens: count != null && count > 0 ? count : noLimit,
      sampling: {
        ...(temperature == null ? {} : { temperature }),
        ...(topK == null || topK <= 0 ? {} : { topK }),
        ...(topP == null ? {} : { topP }),
        ...(minP == null ? {} : { minP }),
        ...(seed == null || seed < 0 ? {} : { seed }),
        ...(more.repeat_penalty == null ? {} : { repetitionPenalty: more.repeat_penalty }),
        ...(more.presence_penalty == null ? {} : { presencePenalty: more.presence_penalty }),
        ...(more.frequency_penalty == null ? {} : { frequencyPenalty: more.frequency_penalty }),
        ...constraintOf(body.format),
      },
      ...(stop.length === 0 ? {} : { stopTexts: stop }),
    },
    warnings,
  };
}

function constraintOf(format: ChatBody['format']) {
  if (format == null || format === '') return {};
  if (typeof format === 'string' && format !== 'json') {
    throw new FieldError('format', `format "${format}" is neither "json" nor a schema`);
  }
  const schema = typeof format === 'string' ? { type: 'object' } : format;
  return jsonConstraint(schema);
}

function variablesOf(think: ChatBody['think']) {
  if (think == null) return {};
  const effort = typeof think === 'string' ? { reasoning_effort: think } : {};
  return { templateVariables: { enable_thinking: think !== false, ...effort } };
}

function chatMessage(message: NonNullable<ChatBody['messages']>[number], index: number): ChatMessage {
  const { role, content, thinking, tool_name: name, tool_call_id: toolCallId, tool_calls: calls } = message;
  refuseImages(message.images, `messages.${index}.images`);
  return {
    role,
    content: content ?? '',
    ...(thinking == null ? {} : { reasoning: thinking }),
    ...(name == null ? {} : { name }),
    ...(toolCallId == null ? {} : { toolCallId }),
    ...(calls == null || calls.length === 0
      ? {}
      : {
          toolCalls: calls.map(({ id, function: called }) => ({
            // Older clients send none.
            id: id ?? randomUUID().replaceAll('-', '').slice(0, 9),
            name: called.name,
            arguments: JSON.stringify(called.arguments ?? {}),
          })),
        }),
  };
}

function refuseImages(images: readonly unknown[] | null | undefined, field: string): void {
  if (images == null || images.length === 0) return;
  throw new FieldError(field, `${field}: the models of this cluster read text`);
}
