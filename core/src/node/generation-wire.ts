/** Requests and their events, between the node's types and the control messages. What comes in is checked here. */
import type { messages } from '../control/messages.js';
import type { SamplingRequest } from '../worker/sampling.js';
import type { GeneratedToken, GenerationInput, GenerationOrder } from '../worker/worker-protocol.js';
import {
  conversationFromMessage,
  conversationToMessage,
  extrasFromMessage,
  extrasToMessage,
} from './conversation-wire.js';
import { checkOrder } from './generation-rules.js';
import type { GenerationEvent } from './service.js';

export function orderToMessage(instance: string, order: GenerationOrder): messages.GenerateRequest.$Properties {
  const { input, sampling, stopTexts, stopTokens, ...rest } = order;
  const { logitBias, ...numbers } = sampling;
  const base = {
    instance,
    ...rest,
    sampling: { ...numbers, ...(logitBias === undefined ? {} : { logitBias: [...logitBias] }) },
    ...(stopTexts === undefined ? {} : { stopTexts: [...stopTexts] }),
    ...(stopTokens === undefined ? {} : { stopTokens: [...stopTokens] }),
  };
  switch (input.kind) {
    case 'messages':
      return { ...base, conversation: conversationToMessage(input) };
    case 'prompt':
      return { ...base, prompt: input.prompt };
    case 'tokens':
      return { ...base, tokens: { tokens: [...input.tokens] } };
  }
}

/** Throws REQUEST_INVALID naming the field. */
export function orderFromMessage(message: messages.GenerateRequest.$Properties): GenerationOrder {
  const { maximumTokens, choices, stopTexts, stopTokens, queueTimeoutMilliseconds } = message;
  const order: GenerationOrder = {
    input: inputFromMessage(message),
    sampling: samplingFromMessage(message.sampling ?? {}),
    ignoreEndOfText: message.ignoreEndOfText ?? false,
    ...(message.parseSpecialTokens == null ? {} : { parseSpecialTokens: message.parseSpecialTokens }),
    ...(message.ignoreModelDefaults ? { ignoreModelDefaults: true } : {}),
    ...present({ maximumTokens, queueTimeoutMilliseconds }),
    ...(choices ? { choices } : {}),
    ...(stopTexts?.length ? { stopTexts } : {}),
    ...(stopTokens?.length ? { stopTokens } : {}),
  };
  checkOrder(order);
  return order;
}

/** What is absent stays absent: the head's node knows the model's defaults. */
function samplingFromMessage(message: messages.Sampling.$Properties): SamplingRequest {
  const { temperature, topK, topP, minP, seed, repetitionPenalty, presencePenalty, frequencyPenalty } = message;
  const { logitBias, constraint, logProbabilities } = message;
  return {
    ...present({ temperature, topK, topP, minP, seed, repetitionPenalty, presencePenalty, frequencyPenalty }),
    ...present({ logProbabilities }),
    ...(logitBias?.length
      ? { logitBias: logitBias.map(({ token, bias }) => ({ token: token ?? 0, bias: bias ?? 0 })) }
      : {}),
    ...(constraint
      ? { constraint: { kind: constraint.kind ?? '', specification: constraint.specification ?? '' } }
      : {}),
  };
}

/** The fields that a message holds. */
function present<Name extends string>(
  fields: Readonly<Record<Name, number | null | undefined>>,
): { readonly [Field in Name]?: number } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [Field in Name]?: number;
  };
}

function inputFromMessage(message: messages.GenerateRequest.$Properties): GenerationInput {
  if (message.conversation) return conversationFromMessage(message.conversation);
  if (message.tokens) return { kind: 'tokens', tokens: message.tokens.tokens ?? [] };
  return { kind: 'prompt', prompt: message.prompt ?? '' };
}

export function generationToMessage(event: GenerationEvent): messages.GenerateResponse.$Properties {
  switch (event.kind) {
    case 'accepted':
      return { accepted: { promptTokens: [...event.promptTokens], seed: event.seed, sampling: event.sampling } };
    case 'token': {
      const { kind: _kind, logProbabilities, reasoning: _reasoning, toolCalls: _calls, ...token } = event;
      return {
        token: {
          ...token,
          ...extrasToMessage(event),
          ...(logProbabilities && { logProbabilities: explainedToMessage(logProbabilities) }),
        },
      };
    }
    case 'finished': {
      const { kind: _kind, stoppedBy, reasoning: _reasoning, toolCalls: _calls, ...numbers } = event;
      const finished = { ...numbers, ...extrasToMessage(event) };
      if (stoppedBy === undefined) return { finished };
      const cause = typeof stoppedBy === 'string' ? { stopText: stoppedBy } : { stopToken: stoppedBy };
      return { finished: { ...finished, ...cause } };
    }
  }
}

export function generationFromMessage(message: messages.GenerateResponse.$Properties): GenerationEvent | undefined {
  const { accepted, token, finished } = message;
  if (accepted) {
    const { seed: _seed, ...sampling } = samplingFromMessage(accepted.sampling ?? {});
    return {
      kind: 'accepted',
      promptTokens: accepted.promptTokens ?? [],
      seed: accepted.seed ?? 0,
      sampling: { temperature: 0, ...sampling },
    };
  }
  if (token) return { kind: 'token', ...tokenFromMessage(token) };
  if (!finished) return undefined;
  const { reason } = finished;
  const stoppedBy = finished.stopText ?? finished.stopToken ?? undefined;
  return {
    kind: 'finished',
    choice: finished.choice ?? 0,
    reason: reason === 'stop' || reason === 'length' ? reason : 'cancelled',
    ...(stoppedBy === undefined ? {} : { stoppedBy }),
    text: finished.text ?? '',
    ...extrasFromMessage(finished),
    promptTokens: finished.promptTokens ?? 0,
    generatedTokens: finished.generatedTokens ?? 0,
    prefillMicroseconds: finished.prefillMicroseconds ?? 0,
    decodeMicroseconds: finished.decodeMicroseconds ?? 0,
  };
}

function tokenFromMessage(message: messages.Token.$Properties): GeneratedToken {
  const { choice, index, token, text, logProbabilities } = message;
  return {
    choice: choice ?? 0,
    index: index ?? 0,
    token: token ?? 0,
    text: text ?? '',
    ...extrasFromMessage(message),
    ...(logProbabilities ? { logProbabilities: explainedFromMessage(logProbabilities) } : {}),
  };
}

type Explained = NonNullable<GeneratedToken['logProbabilities']>;

function explainedToMessage({ alternatives, ...token }: Explained): messages.LogProbabilities.$Properties {
  return { ...token, alternatives: alternatives.map((alternative) => ({ ...alternative })) };
}

function explainedFromMessage(message: messages.LogProbabilities.$Properties): Explained {
  return {
    logProbability: message.logProbability ?? 0,
    text: message.text ?? '',
    alternatives: (message.alternatives ?? []).map(({ token, text, logProbability }) => ({
      token: token ?? 0,
      text: text ?? '',
      logProbability: logProbability ?? 0,
    })),
  };
}
