/** `/v1/responses`: answers that can be gone on from by their id. */
import type { FastifyInstance, FastifyReply } from 'fastify';
import { clientSignal, EventStream, eventStreamType } from '../../event-stream.js';
import type { ApiParts } from '../../http-api.js';
import { FieldError } from '../../problems.js';
import { warn } from '../fields.js';
import { deletedAnswer, inputTokensAnswer, itemsAnswer, responseAnswer } from './answers.js';
import { BackgroundRun } from './background.js';
import { type KeptItem, keptItems } from './items.js';
import { promptOf, responseOrder } from './order.js';
import { type NumberedEvent, ResponseRun } from './run.js';
import {
  type ItemsQuery,
  inputTokensSchema,
  itemsQuery,
  type PromptBody,
  type ResponseBody,
  type RetrieveQuery,
  responseParameters,
  responseSchema,
  retrieveQuery,
} from './schema.js';
import { ResponseStore, type StoredResponse } from './store.js';

interface Parameters {
  readonly response: string;
}

const mostItems = 100;
const defaultItems = 20;

export function addResponses(server: FastifyInstance, parts: ApiParts): void {
  const { requests, options, closing } = parts;
  const store = new ResponseStore(options.storedResponses, options.storedResponseBytes);
  /** Forgotten with their responses. */
  const background = new WeakMap<StoredResponse, BackgroundRun>();

  const inputOf = (body: PromptBody) => {
    const input = keptItems(body.input, (id) => store.item(id));
    const { previous_response_id: previous } = body;
    return { input, conversation: previous == null ? input : [...store.conversation(previous), ...input] };
  };

  const create = async (body: ResponseBody, reply: FastifyReply) => {
    const { input, conversation } = inputOf(body);
    const { order, warnings, isSingleCall } = responseOrder(body, conversation);
    warn(reply, warnings);
    const controller = new AbortController();
    const signal = body.background ? AbortSignal.any([controller.signal, closing]) : clientSignal(reply);
    const running = await requests.start(body.model, order, signal);
    const response = new ResponseRun({ body, running, input, isSingleCall });
    const isKept = body.store !== false;
    if (isKept) store.add(response);
    return { response, controller };
  };

  server.post<{ Body: ResponseBody }>(
    '/v1/responses',
    {
      schema: {
        summary: 'Makes a response, whole or as events.',
        body: responseSchema,
        answer: responseAnswer,
        answerType: eventStreamType,
      },
    },
    async ({ body }, reply) => {
      const { response, controller } = await create(body, reply);
      if (body.background) {
        const abort = () => controller.abort(new Error('the response was cancelled'));
        const run = new BackgroundRun(response, body.stream ?? false, abort, (bytes) => store.measure(response, bytes));
        background.set(response, run);
        if (!body.stream) return response.json();
        await send(reply, run.read(0, clientSignal(reply)));
        return reply;
      }
      try {
        if (body.stream) {
          await send(reply, response.events());
          return reply;
        }
        return await response.whole();
      } finally {
        store.measure(response);
      }
    },
  );

  server.post<{ Body: PromptBody }>(
    '/v1/responses/input_tokens',
    { schema: { summary: 'Counts the tokens of a prompt.', body: inputTokensSchema, answer: inputTokensAnswer } },
    async ({ body }, reply) => {
      if (body.conversation != null) throw new FieldError('conversation', "'conversation' is not supported here.");
      warn(reply, body.personality == null ? [] : ["'personality' has no effect here"]);
      const input = promptOf(body, inputOf(body).conversation);
      const tokens = await requests.countTokens(body.model, input, clientSignal(reply));
      return { object: 'response.input_tokens', input_tokens: tokens };
    },
  );

  server.get<{ Params: Parameters; Querystring: RetrieveQuery }>(
    '/v1/responses/:response',
    {
      schema: {
        summary: 'A response that is kept.',
        params: responseParameters,
        querystring: retrieveQuery,
        answer: responseAnswer,
        answerType: eventStreamType,
      },
    },
    async ({ params, query }, reply) => {
      const response = store.get(params.response);
      if (query.stream !== 'true') return response.json();
      const run = background.get(response);
      if (!run?.isStreamed) {
        const message = "Only responses that were made with 'background' and 'stream' can be streamed again.";
        throw new FieldError('stream', message);
      }
      const after = query.starting_after === undefined ? -1 : Number(query.starting_after);
      await send(reply, run.read(after + 1, clientSignal(reply)));
      return reply;
    },
  );

  server.delete<{ Params: Parameters }>(
    '/v1/responses/:response',
    { schema: { summary: 'Forgets a response.', params: responseParameters, answer: deletedAnswer } },
    async ({ params: { response: id } }) => {
      const response = store.get(id);
      if (response.isRunning) {
        const run = background.get(response);
        if (!run) throw new FieldError('id', `Response with id '${id}' has not ended yet.`, { status: 409 });
        await run.cancel();
      }
      store.delete(id);
      return { id, object: 'response', deleted: true };
    },
  );

  server.post<{ Params: Parameters }>(
    '/v1/responses/:response/cancel',
    {
      schema: {
        summary: 'Ends a response that is made in the background.',
        params: responseParameters,
        answer: responseAnswer,
      },
    },
    async ({ params }) => {
      const response = store.get(params.response);
      const run = background.get(response);
      if (!run) throw new FieldError('id', 'Cannot cancel a synchronous response.');
      await run.cancel();
      return response.json();
    },
  );

  server.get<{ Params: Parameters; Querystring: ItemsQuery }>(
    '/v1/responses/:response/input_items',
    {
      schema: {
        summary: 'What a response was made from.',
        params: responseParameters,
        querystring: itemsQuery,
        answer: itemsAnswer,
      },
    },
    async ({ params, query }) => page(store.inputItems(params.response), query),
  );
}

async function send(reply: FastifyReply, events: AsyncGenerator<NumberedEvent, void, undefined>): Promise<void> {
  const stream = new EventStream(reply);
  for await (const event of events) await stream.send(event, event.type);
  stream.end();
}

/** Newest first, unless asked otherwise. */
function page(items: readonly KeptItem[], { after, limit, order = 'desc' }: ItemsQuery): object {
  const sorted = order === 'desc' ? [...items].reverse() : items;
  const start = after === undefined ? 0 : sorted.findIndex(({ id }) => id === after) + 1;
  const count = limit === undefined ? defaultItems : Math.min(mostItems, Math.max(1, Number(limit)));
  const data = sorted.slice(start, start + count);
  return {
    object: 'list',
    data,
    first_id: data[0]?.id ?? null,
    last_id: data.at(-1)?.id ?? null,
    has_more: start + count < sorted.length,
  };
}
