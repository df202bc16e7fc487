/** Requests and their events, between the node's types and the control messages. What comes in is checked here. */
import type { messages } from '../control/messages.js';
import type { SamplingRequest } from '../worker/sampling.js';
import type { GenerationInput, GenerationOrder } from '../worker/worker-protocol.js';
import type { GenerationEvent } from './service.js';
import { invalid } from './wire.js';

export function orderToMessage(instance: string, order: GenerationOrder): messages.GenerateRequest.$Properties {
  const { input, ...rest } = order;
  const base = { instance, ...rest };
  switch (input.kind) {
    case 'messages':
      return { ...base, conversation: { messages: input.messages.map(({ role, content }) => ({ role, content })) } };
    case 'prompt':
      return { ...base, prompt: input.prompt };
    case 'tokens':
      return { ...base, tokens: { tokens: [...input.tokens] } };
  }
}

/** Throws REQUEST_INVALID naming the field. */
export function orderFromMessage(message: messages.GenerateRequest.$Properties): GenerationOrder {
  const order: GenerationOrder = {
    input: inputFromMessage(message),
    sampling: samplingFromMessage(message.sampling ?? {}),
    ...(message.maximumTokens == null ? {} : { maximumTokens: message.maximumTokens }),
    ignoreEndOfText: message.ignoreEndOfText ?? false,
  };
  checkOrder(order);
  return order;
}

/** What is absent stays absent: the head's node knows the model's defaults. */
function samplingFromMessage(message: messages.Sampling.$Properties): SamplingRequest {
  const { temperature, topK, topP, minP, seed } = message;
  return {
    ...(temperature == null ? {} : { temperature }),
    ...(topK == null ? {} : { topK }),
    ...(topP == null ? {} : { topP }),
    ...(minP == null ? {} : { minP }),
    ...(seed == null ? {} : { seed }),
  };
}

function inputFromMessage(message: messages.GenerateRequest.$Properties): GenerationInput {
  if (message.conversation) {
    const conversation = (message.conversation.messages ?? []).map(({ role, content }) => ({
      role: role ?? '',
      content: content ?? '',
    }));
    return { kind: 'messages', messages: conversation };
  }
  if (message.tokens) return { kind: 'tokens', tokens: message.tokens.tokens ?? [] };
  return { kind: 'prompt', prompt: message.prompt ?? '' };
}

/** The rules for requests, wherever they come from. Throws REQUEST_INVALID naming the field. */
export function checkOrder({ input, sampling, maximumTokens }: GenerationOrder): void {
  const { temperature, topK, topP, minP, seed } = sampling;
  const isAbsentOr = (value: number | undefined, isRight: (value: number) => boolean) =>
    value === undefined || isRight(value);
  const isCount = (value: number) => Number.isSafeInteger(value) && value >= 1;
  const isFraction = (value: number) => value >= 0 && value <= 1;
  if (!isAbsentOr(maximumTokens, isCount)) throw invalid('maximumTokens is not a positive integer');
  if (!isAbsentOr(temperature, (value) => Number.isFinite(value) && value >= 0)) {
    throw invalid('temperature is not a number from 0');
  }
  if (!isAbsentOr(topK, isCount)) throw invalid('topK is not a positive integer');
  if (!isAbsentOr(topP, isFraction)) throw invalid('topP is not between 0 and 1');
  if (!isAbsentOr(minP, isFraction)) throw invalid('minP is not between 0 and 1');
  if (!isAbsentOr(seed, (value) => Number.isSafeInteger(value) && value >= 0)) {
    throw invalid('seed is not an integer from 0 to 2^53 - 1');
  }
  if (input.kind === 'messages' && input.messages.length === 0) throw invalid('messages is empty');
  if (input.kind === 'tokens' && !input.tokens.every((token) => Number.isSafeInteger(token) && token >= 0)) {
    throw invalid('tokens has an entry that is not a token id');
  }
}

export function generationToMessage(event: GenerationEvent): messages.GenerateResponse.$Properties {
  switch (event.kind) {
    case 'accepted':
      return { accepted: { promptTokens: [...event.promptTokens], seed: event.seed } };
    case 'token':
      return { token: { index: event.index, token: event.token, text: event.text } };
    case 'finished': {
      const { kind: _kind, ...finished } = event;
      return { finished };
    }
  }
}

export function generationFromMessage(message: messages.GenerateResponse.$Properties): GenerationEvent | undefined {
  const { accepted, token, finished } = message;
  if (accepted) return { kind: 'accepted', promptTokens: accepted.promptTokens ?? [], seed: accepted.seed ?? 0 };
  if (token) return { kind: 'token', index: token.index ?? 0, token: token.token ?? 0, text: token.text ?? '' };
  if (!finished) return undefined;
  const { reason } = finished;
  return {
    kind: 'finished',
    reason: reason === 'stop' || reason === 'length' ? reason : 'cancelled',
    text: finished.text ?? '',
    promptTokens: finished.promptTokens ?? 0,
    generatedTokens: finished.generatedTokens ?? 0,
    prefillMicroseconds: finished.prefillMicroseconds ?? 0,
    decodeMicroseconds: finished.decodeMicroseconds ?? 0,
  };
}
