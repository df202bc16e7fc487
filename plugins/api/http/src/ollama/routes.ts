/** The interface of Ollama: `/api/chat`, `/api/generate`, and what is said of models. */
import { type FinishedChoice, type ToolCallPart } from '@shoal/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import type { TSchema } from 'typebox';
import { clientSignal, EventStream } from '../event-stream.js';
import type { ApiParts } from '../http-api.js';
import type { ServedModel } from '../model-directory.js';
import { warn } from '../openai/fields.js';
import { ollamaDialect, problemOf } from '../problems.js';
import type { AnswerEvent, RunningAnswer } from '../requests.js';
import { chatAnswer, generateAnswer, runningAnswer, showAnswer, tagsAnswer, versionAnswer } from './answers.js';
import { detailsOf, distinct, modelOf, runningOf, tagOf } from './models.js';
import { chatOrder, generateOrder, keepAliveWarning, type OllamaOrder } from './order.js';
import { type ChatBody, chatSchema, type GenerateBody, generateSchema, showSchema } from './schema.js';

const streamType = 'application/x-ndjson';
/** Of the interface as it is followed here: clients compare it with what they need. */
const interfaceVersion = '0.12.6';

const described = (summary: string, body: TSchema, answer: TSchema) => ({
  schema: { summary, body, answer, answerType: streamType },
});

export function addOllama(server: FastifyInstance, { requests, models }: ApiParts): void {
  const answer = async (
    body: ChatBody | GenerateBody,
    { order, warnings }: OllamaOrder,
    fields: Fields,
    reply: FastifyReply,
  ) => {
    warn(reply, warnings);
    const started = performance.now();
    const running = await requests.start(modelOf(body.model), order, clientSignal(reply));
    const made = new OllamaAnswer(running, body.model, fields, started);
    if (body.stream === false) return made.whole();
    await made.stream(reply);
    return reply;
  };

  const isLoaded = async (body: ChatBody | GenerateBody, fields: Fields, reply: FastifyReply) => {
    warn(reply, body.keep_alive == null ? [] : [keepAliveWarning]);
    return loaded(await models.find(modelOf(body.model)), body, fields);
  };

  server.post<{ Body: ChatBody }>(
    '/api/chat',
    described('Answers a conversation.', chatSchema, chatAnswer),
    async ({ body }, reply) => {
      // Ollama loads a model this way; here it is loaded or not.
      if ((body.messages ?? []).length === 0) return isLoaded(body, chatFields, reply);
      return answer(body, chatOrder(body), chatFields, reply);
    },
  );

  server.post<{ Body: GenerateBody }>(
    '/api/generate',
    described('Continues a text.', generateSchema, generateAnswer),
    async ({ body }, reply) => {
      if (!body.prompt) return isLoaded(body, generateFields, reply);
      return answer(body, generateOrder(body), generateFields, reply);
    },
  );

  server.get('/api/version', { schema: { answer: versionAnswer } }, () => ({ version: interfaceVersion }));
  server.get('/api/tags', { schema: { summary: 'What is loaded.', answer: tagsAnswer } }, async () => ({
    models: distinct(await models.models()).flatMap((instances) => instances.slice(0, 1).map(tagOf)),
  }));
  server.get(
    '/api/ps',
    { schema: { summary: 'What is loaded, and until when.', answer: runningAnswer } },
    async () => ({ models: distinct(await models.models()).flatMap(runningOf) }),
  );

  server.post<{ Body: { model?: string; name?: string } }>(
    '/api/show',
    { schema: { summary: 'What a model is.', body: showSchema, answer: showAnswer } },
    async ({ body }) => detailsOf(await models.find(modelOf(body.model ?? body.name ?? ''))),
  );
}

interface Said {
  readonly text: string;
  readonly thinking: string;
  readonly calls: readonly object[];
}

/** How the two kinds of answers call the same. */
type Fields = (said: Said) => object;

const chatFields: Fields = ({ text, thinking, calls }) => ({
  message: {
    role: 'assistant',
    content: text,
    ...(thinking === '' ? {} : { thinking }),
    ...(calls.length === 0 ? {} : { tool_calls: calls }),
  },
});

const generateFields: Fields = ({ text, thinking }) => ({ response: text, ...(thinking === '' ? {} : { thinking }) });

const nothing: Said = { text: '', thinking: '', calls: [] };

function loaded({ name }: ServedModel, body: { readonly model: string }, fields: Fields): object {
  const model = body.model === '' ? name : body.model;
  return { model, created_at: new Date().toISOString(), ...fields(nothing), done: true, done_reason: 'load' };
}

class OllamaAnswer {
  private readonly calls: { id: string; name: string; text: string }[] = [];
  private finished: FinishedChoice | undefined;
  private generated = 0;

  constructor(
    private readonly running: RunningAnswer,
    /** As the client calls it. */
    private readonly model: string,
    private readonly fields: Fields,
    /** When it was asked for. */
    private readonly started: number,
  ) {}

  async whole(): Promise<object> {
    let text = '';
    let thinking = '';
    for await (const event of this.running.events) {
      this.note(event);
      text += event.text;
      thinking += event.reasoning ?? '';
    }
    return this.last({ text, thinking, calls: this.calls.map(callOf) });
  }

  async stream(reply: FastifyReply): Promise<void> {
    const stream = new EventStream(reply, streamType, '');
    const line = (data: object) => stream.write(`${JSON.stringify(data)}\n`);
    let told = 0;
    try {
      for await (const event of this.running.events) {
        this.note(event);
        // A call is told when the next one begins, or at the end: its arguments are an object here.
        const complete = this.calls.slice(told, event.kind === 'finished' ? undefined : -1);
        told += complete.length;
        const { text, reasoning: thinking = '' } = event;
        if (text === '' && thinking === '' && complete.length === 0) continue;
        await line({ ...this.head(), ...this.fields({ text, thinking, calls: complete.map(callOf) }), done: false });
      }
      await line(this.last(nothing));
    } catch (thrown) {
      await line(ollamaDialect.body(problemOf(thrown)));
    }
    stream.end();
  }

  private note(event: AnswerEvent): void {
    if (event.kind === 'token') this.generated += 1;
    else this.finished = event;
    for (const part of event.toolCalls ?? []) this.addCall(part);
  }

  private addCall({ index, id = '', name = '', arguments: text }: ToolCallPart): void {
    this.calls[index] ??= { id, name, text: '' };
    this.calls[index].text += text;
  }

  private head() {
    return { model: this.model, created_at: new Date().toISOString() };
  }

  private last(said: Said): object {
    const { reason, prefillMicroseconds = 0, decodeMicroseconds = 0 } = this.finished ?? {};
    return {
      ...this.head(),
      ...this.fields(said),
      done: true,
      done_reason: reason === 'length' ? 'length' : 'stop',
      total_duration: Math.round((performance.now() - this.started) * 1e6),
      load_duration: 0,
      prompt_eval_count: this.running.accepted.promptTokens.length,
      prompt_eval_duration: Math.round(prefillMicroseconds * 1000),
      eval_count: this.generated,
      eval_duration: Math.round(decodeMicroseconds * 1000),
    };
  }
}

function callOf({ id, name, text }: { readonly id: string; readonly name: string; readonly text: string }): object {
  let input: unknown;
  try {
    input = text === '' ? {} : JSON.parse(text);
  } catch {
    input = { unfinished: text };
  }
  return { id, function: { name, arguments: input } };
}
