/** `/v1/completions`: texts that are continued as they are. */
import { randomUUID } from 'node:crypto';
import type { GenerationInput, GenerationOrder } from '@shoal/core';
import type { FastifyInstance, FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { clientSignal, EventStream, eventStreamType } from '../event-stream.js';
import type { ApiParts } from '../http-api.js';
import { FieldError, openAiDialect, problemOf } from '../problems.js';
import type { AnswerEvent, Requests, RunningAnswer } from '../requests.js';
import { completionAnswer } from './answers.js';
import { open, samplingFields, samplingOf, warn } from './fields.js';
import { addLogProbability, completionLogProbabilities } from './log-probabilities.js';
import { Usage } from './usage.js';

/** What this interface makes when nothing is said, unlike chat. */
const defaultMaximumTokens = 16;
const mostPrompts = 128;

const tokens = Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 });
const completionSchema = Type.Object(
  {
    ...samplingFields,
    model: Type.String({ minLength: 1 }),
    prompt: Type.Union([
      Type.String(),
      tokens,
      Type.Array(Type.String(), { minItems: 1, maxItems: mostPrompts }),
      Type.Array(tokens, { minItems: 1, maxItems: mostPrompts }),
    ]),
    logprobs: open(Type.Integer({ minimum: 0, maximum: 20 })),
    echo: open(Type.Boolean()),
    best_of: open(Type.Integer({ minimum: 1 })),
    suffix: open(Type.String()),
  },
  { additionalProperties: false },
);

type CompletionBody = Static<typeof completionSchema>;

export function addCompletions(server: FastifyInstance, { requests }: ApiParts): void {
  const options = {
    schema: {
      summary: 'Continues texts.',
      body: completionSchema,
      answer: completionAnswer,
      answerType: eventStreamType,
    },
  };
  server.post<{ Body: CompletionBody }>('/v1/completions', options, async ({ body }, reply) => {
    refuseUnsupported(body);
    const isPadded = body.stream_options?.include_obfuscation;
    warn(reply, isPadded ? ["'stream_options.include_obfuscation' has no effect here"] : []);
    const inputs = promptsOf(body.prompt);
    const base = samplingOf(body, body.max_tokens ?? defaultMaximumTokens);
    const sampling = { ...base.sampling, ...(body.logprobs == null ? {} : { logProbabilities: body.logprobs }) };
    const orders = inputs.map((input): GenerationOrder => ({ ...base, sampling, input }));
    const running = await startAll(requests, body.model, orders, clientSignal(reply));
    const answer = new CompletionAnswer(running, body, inputs);
    if (!body.stream) return answer.whole();
    await answer.stream(reply, body.stream_options?.include_usage ?? false);
    return reply;
  });
}

function refuseUnsupported(body: CompletionBody): void {
  if (body.suffix != null && body.suffix !== '') {
    throw new FieldError('suffix', "Unsupported parameter: 'suffix' is not supported.");
  }
  if (body.best_of != null && body.best_of !== (body.n ?? 1)) {
    throw new FieldError('best_of', "Unsupported parameter: 'best_of' other than 'n' is not supported.");
  }
  if (body.echo && (body.logprobs != null || typeof [body.prompt].flat(2)[0] === 'number')) {
    throw new FieldError('echo', "Unsupported parameter: 'echo' is only supported for text without 'logprobs'.");
  }
}

function promptsOf(prompt: CompletionBody['prompt']): GenerationInput[] {
  const one = (value: string | number[]): GenerationInput =>
    typeof value === 'string' ? { kind: 'prompt', prompt: value } : { kind: 'tokens', tokens: value };
  if (typeof prompt === 'string') return [one(prompt)];
  return typeof prompt[0] === 'number' ? [one(prompt as number[])] : (prompt as (string | number[])[]).map(one);
}

/** All or none: where one cannot start, the others are cancelled. */
async function startAll(
  requests: Requests,
  model: string,
  orders: readonly GenerationOrder[],
  signal: AbortSignal,
): Promise<readonly RunningAnswer[]> {
  const started = await Promise.allSettled(orders.map((order) => requests.start(model, order, signal)));
  const failed = started.find((one) => one.status === 'rejected');
  const running = started.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []));
  if (!failed) return running;
  await Promise.all(running.map((one) => one.cancel()));
  throw failed.reason;
}

class CompletionAnswer {
  private readonly head;
  private readonly usage = new Usage(0);
  private readonly choicesEach: number;

  constructor(
    private readonly running: readonly RunningAnswer[],
    private readonly body: CompletionBody,
    private readonly inputs: readonly GenerationInput[],
  ) {
    const [first] = running;
    this.head = {
      id: `cmpl-${randomUUID().replaceAll('-', '')}`,
      object: 'text_completion',
      created: Math.floor(Date.now() / 1000),
      model: first?.model.name ?? body.model,
      system_fingerprint: `shoal_${first?.model.instance.plan.modelDigest.slice(0, 12) ?? ''}`,
    };
    this.choicesEach = body.n ?? 1;
    for (const { accepted } of running) this.usage.addPrompt(accepted.promptTokens.length);
  }

  async whole(): Promise<object> {
    const choices = Array.from({ length: this.running.length * this.choicesEach }, (_, index) => ({
      index,
      text: this.echoOf(index),
      logprobs: this.body.logprobs == null ? null : completionLogProbabilities(),
      finish_reason: 'stop',
    }));
    await this.each(async (index, event) => {
      const choice = choices[index];
      if (!choice) return;
      if (event.kind === 'token' && event.logProbabilities && choice.logprobs) {
        addLogProbability(choice.logprobs, event.logProbabilities, choice.text.length);
      }
      choice.text += event.text;
      if (event.kind === 'finished') choice.finish_reason = finishReason(event.reason);
    });
    return { ...this.head, choices, usage: this.usage.json() };
  }

  async stream(reply: FastifyReply, withUsage: boolean): Promise<void> {
    const stream = new EventStream(reply);
    const chunk = (choices: object[], usage: object | null = null) =>
      stream.send({ ...this.head, choices, ...(withUsage ? { usage } : {}) });
    const lengths = new Map<number, number>();
    try {
      for (let index = 0; this.body.echo && index < this.running.length * this.choicesEach; index += 1) {
        await chunk([{ index, text: this.echoOf(index), logprobs: null, finish_reason: null }]);
      }
      await this.each(async (index, event) => {
        const { text } = event;
        const offset = lengths.get(index) ?? 0;
        lengths.set(index, offset + text.length);
        let logprobs = null;
        if (event.kind === 'token' && event.logProbabilities) {
          logprobs = completionLogProbabilities();
          addLogProbability(logprobs, event.logProbabilities, offset);
        }
        const end = event.kind === 'finished' ? finishReason(event.reason) : null;
        if (text === '' && !logprobs && end === null) return;
        await chunk([{ index, text, logprobs, finish_reason: end }]);
      });
      if (withUsage) await chunk([], this.usage.json());
      stream.end('data: [DONE]\n\n');
    } catch (thrown) {
      await stream.send(openAiDialect.body(problemOf(thrown)));
      stream.end();
    }
  }

  private echoOf(index: number): string {
    const input = this.inputs[Math.floor(index / this.choicesEach)];
    return this.body.echo && input?.kind === 'prompt' ? input.prompt : '';
  }

  /** Events of all prompts as they come, with the number of their choice among all. */
  private async each(onEvent: (index: number, event: AnswerEvent) => Promise<void>): Promise<void> {
    const reading = this.running.map(async ({ events }, prompt) => {
      for await (const event of events) {
        this.usage.add(event);
        await onEvent(prompt * this.choicesEach + event.choice, event);
      }
    });
    try {
      await Promise.all(reading);
    } catch (thrown) {
      await Promise.allSettled(this.running.map((one) => one.cancel()));
      throw thrown;
    }
  }
}

function finishReason(reason: 'stop' | 'length' | 'cancelled'): 'stop' | 'length' {
  return reason === 'length' ? 'length' : 'stop';
}
