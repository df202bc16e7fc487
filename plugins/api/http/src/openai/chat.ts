/** `/v1/chat/completions`. */
import { randomUUID } from 'node:crypto';
import type { FinishedChoice, ToolCallPart } from '@shoal/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { clientSignal, EventStream, eventStreamType } from '../event-stream.js';
import type { ApiParts } from '../http-api.js';
import { openAiDialect, problemOf } from '../problems.js';
import type { AnswerEvent, RunningAnswer } from '../requests.js';
import { chatAnswer } from './answers.js';
import { type ChatOrder, chatOrder } from './chat-order.js';
import { type ChatBody, chatSchema } from './chat-schema.js';
import { warn } from './fields.js';
import { chatLogProbability } from './log-probabilities.js';
import { Usage } from './usage.js';

export function addChat(server: FastifyInstance, { requests }: ApiParts): void {
  const options = {
    schema: { summary: 'Answers a conversation.', body: chatSchema, answer: chatAnswer, answerType: eventStreamType },
  };
  server.post<{ Body: ChatBody }>('/v1/chat/completions', options, async ({ body }, reply) => {
    const order = chatOrder(body);
    warn(reply, order.warnings);
    const running = await requests.start(body.model, order.order, clientSignal(reply));
    const answer = new ChatAnswer(running, order);
    if (!body.stream) return answer.whole();
    await answer.stream(reply, body.stream_options?.include_usage ?? false);
    return reply;
  });
}

/** What one event adds to a choice; undefined for nothing. */
type Delta = Record<string, unknown>;

class ChatAnswer {
  private readonly head;
  private readonly usage: Usage;
  private readonly choices: number;
  /** Choices that have called a function. */
  private readonly calling = new Set<number>();

  constructor(
    private readonly running: RunningAnswer,
    private readonly order: ChatOrder,
  ) {
    const { model, accepted } = running;
    this.head = {
      id: `chatcmpl-${randomUUID().replaceAll('-', '')}`,
      created: Math.floor(Date.now() / 1000),
      model: model.name,
      system_fingerprint: `shoal_${model.instance.plan.modelDigest.slice(0, 12)}`,
    };
    this.usage = new Usage(accepted.promptTokens.length);
    this.choices = order.order.choices ?? 1;
  }

  async whole(): Promise<object> {
    const choices = Array.from({ length: this.choices }, (_, index) => new WholeChoice(index));
    for await (const event of this.running.events) {
      this.usage.add(event);
      const choice = choices[event.choice];
      choice?.add(event, this.callsOf(event));
      if (event.kind === 'finished' && choice) choice.finishReason = this.finishReason(event);
    }
    return {
      ...this.head,
      object: 'chat.completion',
      choices: choices.map((choice) => choice.json()),
      usage: this.usage.json(),
    };
  }

  async stream(reply: FastifyReply, withUsage: boolean): Promise<void> {
    const stream = new EventStream(reply);
    const chunk = (choices: object[], usage: object | null = null) =>
      stream.send({ ...this.head, object: 'chat.completion.chunk', choices, ...(withUsage ? { usage } : {}) });
    const choice = (index: number, delta: Delta, finishReason: string | null = null, logprobs: unknown = null) => ({
      index,
      delta,
      logprobs,
      finish_reason: finishReason,
    });
    try {
      for (let index = 0; index < this.choices; index += 1) {
        await chunk([choice(index, { role: 'assistant', content: '' })]);
      }
      for await (const event of this.running.events) {
        this.usage.add(event);
        const delta = this.delta(event);
        const logProbabilities = event.kind === 'token' ? event.logProbabilities : undefined;
        if (delta || logProbabilities) {
          const explained = logProbabilities && { content: [chatLogProbability(logProbabilities)], refusal: null };
          await chunk([choice(event.choice, delta ?? {}, null, explained ?? null)]);
        }
        if (event.kind === 'finished') await chunk([choice(event.choice, {}, this.finishReason(event))]);
      }
      if (withUsage) await chunk([], this.usage.json());
      stream.end('data: [DONE]\n\n');
    } catch (thrown) {
      // The head is sent: clients look for an error in the events.
      await stream.send(openAiDialect.body(problemOf(thrown)));
      stream.end();
    }
  }

  private delta(event: AnswerEvent): Delta | undefined {
    const calls = this.callsOf(event);
    if (event.text === '' && event.reasoning === undefined && calls.length === 0) return undefined;
    return {
      ...(event.text === '' ? {} : { content: event.text }),
      ...(event.reasoning === undefined ? {} : { reasoning_content: event.reasoning }),
      ...(calls.length === 0 ? {} : { tool_calls: calls.map(callDelta) }),
    };
  }

  private callsOf({ choice, toolCalls = [] }: AnswerEvent): readonly ToolCallPart[] {
    if (toolCalls.length > 0) this.calling.add(choice);
    return this.order.isSingleCall ? toolCalls.filter(({ index }) => index === 0) : toolCalls;
  }

  private finishReason({ choice, reason }: FinishedChoice): string {
    if (reason === 'length') return 'length';
    return this.calling.has(choice) ? 'tool_calls' : 'stop';
  }
}

function callDelta({ index, id, name, arguments: text }: ToolCallPart): object {
  if (name === undefined) return { index, function: { arguments: text } };
  return { index, id, type: 'function', function: { name, arguments: text } };
}

class WholeChoice {
  finishReason = 'stop';
  private content = '';
  private reasoning = '';
  private readonly calls: { id: string; type: 'function'; function: { name: string; arguments: string } }[] = [];
  private readonly logProbabilities: object[] = [];
  private isExplained = false;

  constructor(private readonly index: number) {}

  add(event: AnswerEvent, calls: readonly ToolCallPart[]): void {
    this.content += event.text;
    this.reasoning += event.reasoning ?? '';
    for (const { index, id = '', name = '', arguments: text } of calls) {
      this.calls[index] ??= { id, type: 'function', function: { name, arguments: '' } };
      this.calls[index].function.arguments += text;
    }
    if (event.kind !== 'token' || !event.logProbabilities) return;
    this.isExplained = true;
    this.logProbabilities.push(chatLogProbability(event.logProbabilities));
  }

  json(): object {
    const { content, reasoning, calls } = this;
    return {
      index: this.index,
      message: {
        role: 'assistant',
        content: content === '' && calls.length > 0 ? null : content,
        refusal: null,
        ...(reasoning === '' ? {} : { reasoning_content: reasoning }),
        ...(calls.length === 0 ? {} : { tool_calls: calls }),
      },
      logprobs: this.isExplained ? { content: this.logProbabilities, refusal: null } : null,
      finish_reason: this.finishReason,
    };
  }
}
