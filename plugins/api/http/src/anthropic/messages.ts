/** `/v1/messages` and its count of tokens. */
import { randomUUID } from 'node:crypto';
import type { FinishedChoice, ToolCallPart } from '@shoal/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { clientSignal, EventStream, eventStreamType } from '../event-stream.js';
import type { ApiParts } from '../http-api.js';
import { warn } from '../openai/fields.js';
import { anthropicDialect, problemOf } from '../problems.js';
import type { AnswerEvent, RunningAnswer } from '../requests.js';
import { countAnswer, messageAnswer } from './answers.js';
import { messageOrder, promptOf } from './order.js';
import { type CountBody, countSchema, type MessagesBody, messagesSchema } from './schema.js';

export function addAnthropic(server: FastifyInstance, { requests }: ApiParts): void {
  const options = {
    schema: {
      summary: 'Answers a conversation.',
      body: messagesSchema,
      answer: messageAnswer,
      answerType: eventStreamType,
    },
  };
  server.post<{ Body: MessagesBody }>('/v1/messages', options, async ({ body }, reply) => {
    const { order, warnings, isSingleCall } = messageOrder(body);
    warn(reply, warnings);
    const answer = new MessageAnswer(await requests.start(body.model, order, clientSignal(reply)), isSingleCall);
    if (!body.stream) return answer.whole();
    await answer.stream(reply);
    return reply;
  });

  server.post<{ Body: CountBody }>(
    '/v1/messages/count_tokens',
    { schema: { summary: 'Counts the tokens of a conversation.', body: countSchema, answer: countAnswer } },
    async ({ body }, reply) => ({
      input_tokens: await requests.countTokens(body.model, promptOf(body), clientSignal(reply)),
    }),
  );
}

type Block =
  | { type: 'text'; text: string }
  | { type: 'thinking'; thinking: string; signature: string }
  | { type: 'tool_use'; id: string; name: string; input: unknown };

/** Something to tell a reader of the stream. */
type Told = readonly [name: string, data: object];

class MessageAnswer {
  private readonly head;
  private outputTokens = 0;
  private readonly blocks: Block[] = [];
  /** JSON text of the call that is being written. */
  private input = '';
  /** Number of the call that the last block is. */
  private call: number | undefined;
  private isOpen = false;
  private finished: FinishedChoice | undefined;

  constructor(
    private readonly running: RunningAnswer,
    private readonly isSingleCall: boolean,
  ) {
    this.head = {
      id: `msg_${randomUUID().replaceAll('-', '')}`,
      type: 'message',
      role: 'assistant',
      model: running.model.name,
    };
  }

  async whole(): Promise<object> {
    for await (const event of this.running.events) this.add(event);
    this.close();
    return { ...this.head, content: this.blocks, ...this.ending(), usage: this.usage() };
  }

  async stream(reply: FastifyReply): Promise<void> {
    const stream = new EventStream(reply, undefined, 'event: ping\ndata: {"type": "ping"}\n\n');
    const tell = async (told: readonly Told[]) => {
      for (const [name, data] of told) await stream.send({ type: name, ...data }, name);
    };
    try {
      const begun = { ...this.head, content: [], stop_reason: null, stop_sequence: null, usage: this.usage() };
      await tell([['message_start', { message: begun }]]);
      for await (const event of this.running.events) await tell(this.add(event));
      await tell(this.close());
      await tell([
        ['message_delta', { delta: this.ending(), usage: { output_tokens: this.outputTokens } }],
        ['message_stop', {}],
      ]);
    } catch (thrown) {
      await stream.send(anthropicDialect.body(problemOf(thrown)), 'error');
    }
    stream.end();
  }

  private usage() {
    return { input_tokens: this.running.accepted.promptTokens.length, output_tokens: this.outputTokens };
  }

  private ending() {
    const { reason, stoppedBy } = this.finished ?? {};
    if (reason === 'length') return { stop_reason: 'max_tokens', stop_sequence: null };
    if (this.blocks.some(({ type }) => type === 'tool_use')) return { stop_reason: 'tool_use', stop_sequence: null };
    if (typeof stoppedBy === 'string') return { stop_reason: 'stop_sequence', stop_sequence: stoppedBy };
    return { stop_reason: 'end_turn', stop_sequence: null };
  }

  /** Takes an event into the blocks; gives what a reader of the stream hears of it. */
  private add(event: AnswerEvent): Told[] {
    if (event.kind === 'token') this.outputTokens += 1;
    else this.finished = event;
    const told: Told[] = [];
    if (event.reasoning !== undefined) told.push(...this.think(event.reasoning));
    if (event.text !== '') told.push(...this.say(event.text));
    for (const part of event.toolCalls ?? []) {
      if (!this.isSingleCall || part.index === 0) told.push(...this.addCall(part));
    }
    return told;
  }

  private say(text: string): Told[] {
    const told = this.blockOf('text', () => ({ type: 'text', text: '' }));
    const block = this.blocks.at(-1);
    if (block?.type === 'text') block.text += text;
    return [...told, this.delta({ type: 'text_delta', text })];
  }

  private think(thinking: string): Told[] {
    const told = this.blockOf('thinking', () => ({ type: 'thinking', thinking: '', signature: '' }));
    const block = this.blocks.at(-1);
    if (block?.type === 'thinking') block.thinking += thinking;
    return [...told, this.delta({ type: 'thinking_delta', thinking })];
  }

  private addCall({ index, id = '', name, arguments: text }: ToolCallPart): Told[] {
    const told: Told[] = [];
    if (name !== undefined) {
      told.push(...this.close(), this.begin({ type: 'tool_use', id, name, input: {} }));
      this.call = index;
    }
    if (this.call !== index || text === '') return told;
    this.input += text;
    return [...told, this.delta({ type: 'input_json_delta', partial_json: text })];
  }

  private blockOf(type: Block['type'], make: () => Block): Told[] {
    if (this.isOpen && this.blocks.at(-1)?.type === type) return [];
    return [...this.close(), this.begin(make())];
  }

  private begin(block: Block): Told {
    this.blocks.push(block);
    this.isOpen = true;
    return ['content_block_start', { index: this.blocks.length - 1, content_block: { ...block } }];
  }

  private delta(delta: object): Told {
    return ['content_block_delta', { index: this.blocks.length - 1, delta }];
  }

  private close(): Told[] {
    if (!this.isOpen) return [];
    const block = this.blocks.at(-1);
    if (block?.type === 'tool_use') block.input = parsed(this.input);
    this.input = '';
    this.call = undefined;
    this.isOpen = false;
    return [['content_block_stop', { index: this.blocks.length - 1 }]];
  }
}

/** Arguments that were cut off are no JSON; this interface has no text for them. */
function parsed(text: string): unknown {
  try {
    return text === '' ? {} : (JSON.parse(text) as unknown);
  } catch {
    return { unfinished: text };
  }
}
