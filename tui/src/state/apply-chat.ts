/** The conversation. */
import { measured, unknown } from './figure.js';
import { limits, newest } from './limits.js';
import { cleanFailure } from './plan-cleaning.js';
import { count, oneOf, paragraphs, text } from './sanitize.js';
import type { ChatMessageState, ChatState } from './state.js';
import type { ChatUpdate } from './update.js';

export function applyChat(chat: ChatState, update: ChatUpdate & { readonly at: number }): ChatState {
  switch (update.kind) {
    case 'chat-model-chosen':
      return { ...chat, instance: text(update.instance, 40) };
    case 'chat-asked':
      return asked(chat, update);
    case 'chat-delta':
      return withAnswer(chat, 'answering', (answer) => added(answer, update));
    case 'chat-ended':
      return withAnswer(chat, 'idle', (answer) => ({
        ...answer,
        ended: oneOf(update.ended, ['stop', 'length', 'cancelled', 'failed'] as const, 'failed'),
        ...(update.failure === undefined ? {} : { failure: cleanFailure(update.failure) }),
      }));
    case 'chat-cleared':
      // What is on its way would have nowhere to go.
      return chat.phase === 'idle' ? { ...chat, messages: [] } : chat;
  }
}

function asked(
  chat: ChatState,
  { at, text: question, modelName }: { at: number; text: string; modelName: string },
): ChatState {
  if (chat.phase !== 'idle') return chat;
  const nothing = unknown('there is no token yet');
  const empty: Omit<ChatMessageState, 'role' | 'text'> = {
    reasoning: '',
    at,
    modelName: text(modelName),
    generatedTokens: nothing,
    timeToFirstTokenMilliseconds: nothing,
    tokensPerSecond: nothing,
  };
  const messages: ChatMessageState[] = [
    ...chat.messages,
    { ...empty, role: 'user', text: paragraphs(question, limits.chatCharacters), ended: 'stop' },
    { ...empty, role: 'assistant', text: '' },
  ];
  return { ...chat, phase: 'waiting', messages: newest(messages, limits.chatMessages) };
}

/** Changes the answer that is on its way; without one there is nothing to change. */
function withAnswer(
  chat: ChatState,
  phase: ChatState['phase'],
  change: (answer: ChatMessageState) => ChatMessageState,
): ChatState {
  const last = chat.messages.at(-1);
  if (chat.phase === 'idle' || last?.role !== 'assistant') return chat;
  return { ...chat, phase, messages: [...chat.messages.slice(0, -1), change(last)] };
}

function added(
  answer: ChatMessageState,
  {
    at,
    text: piece,
    reasoning,
    generatedTokens,
  }: { at: number; text: string; reasoning?: string; generatedTokens: number },
): ChatMessageState {
  const tokens = count(generatedTokens) ?? 0;
  const isFirst = 'unknown' in answer.timeToFirstTokenMilliseconds;
  const timeToFirstTokenMilliseconds = isFirst
    ? measured(Math.max(0, at - answer.at))
    : answer.timeToFirstTokenMilliseconds;
  const firstAt = 'unknown' in timeToFirstTokenMilliseconds ? at : answer.at + timeToFirstTokenMilliseconds.value;
  const seconds = (at - firstAt) / 1000;
  const room = (before: string) => Math.max(0, limits.chatCharacters - before.length);
  return {
    ...answer,
    text: answer.text + paragraphs(piece, room(answer.text)),
    reasoning: answer.reasoning + paragraphs(reasoning, room(answer.reasoning)),
    generatedTokens: measured(tokens),
    timeToFirstTokenMilliseconds,
    tokensPerSecond: tokens > 1 && seconds > 0 ? measured((tokens - 1) / seconds) : answer.tokensPerSecond,
  };
}
