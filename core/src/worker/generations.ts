/** Requests that run in the head's engine, with their text. */
import type { EngineEvent, Member } from '../spec/engine.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';
import { Answer } from './answer.js';
import { appliedSampling, defaultMaximumTokens, resolveSampling } from './sampling.js';
import type { Prompt, TextSide } from './text-side.js';
import type { WorkerEvent, WorkerMethods } from './worker-protocol.js';

type GenerateOrder = WorkerMethods['generate']['request'];
type RequestEvent = Extract<EngineEvent, { requestId: number }>;

export class Generations {
  /** Requests whose prompts are becoming tokens; a reason not to start one when it is not wanted any more. */
  private readonly starting = new Map<number, { failure?: ShoalError }>();
  /** The answers of each request that have not ended, by their choice. */
  private readonly running = new Map<number, Map<number, Answer>>();

  constructor(
    private readonly member: Member,
    private readonly text: TextSide,
    private readonly contextLength: number,
    private readonly emit: (event: WorkerEvent) => void,
  ) {}

  /** Throws REQUEST_TOO_LONG, REQUEST_INVALID, REQUEST_QUEUE_FULL, MODEL_TOKENIZER_INVALID, MODEL_TEMPLATE_INVALID. */
  async start(order: GenerateOrder): Promise<WorkerMethods['generate']['response']> {
    const { tokens: promptTokens, reading } = await this.prompt(order);
    if (promptTokens.length === 0) throw new ShoalError('REQUEST_INVALID', 'the prompt has no tokens');
    const room = this.contextLength - promptTokens.length;
    if (room < 1) {
      const message =
        `the prompt has ${promptTokens.length} tokens; the model is loaded with a context of ${this.contextLength}, ` +
        `of which the answer needs at least one`;
      throw new ShoalError('REQUEST_TOO_LONG', message, {
        details: { promptTokens: promptTokens.length, contextLength: this.contextLength },
      });
    }
    const { requestId, choices = 1, stopTexts = [], queueTimeoutMilliseconds } = order;
    if (stopTexts.length > 0) this.text.requireTokenizer();
    const modelStopTokens = order.ignoreEndOfText ? [] : this.text.stopTokens;
    const stopTokens = [...new Set([...modelStopTokens, ...(order.stopTokens ?? [])])];
    const defaults = order.ignoreModelDefaults ? {} : this.text.samplingDefaults;
    const { constraint: _requested, ...asked } = order.sampling;
    const bound = reading.constraint === undefined ? {} : { constraint: reading.constraint };
    const sampling = resolveSampling({ ...asked, ...bound }, defaults);
    const endTokens = new Set(stopTokens);
    const numbers = Array.from({ length: choices }, (_, choice) => choice);
    this.running.set(
      requestId,
      new Map(numbers.map((choice) => [choice, new Answer(this.text, endTokens, stopTexts, reading)])),
    );
    try {
      this.member.submit({
        id: requestId,
        promptTokens,
        choices,
        maximumTokens: Math.min(order.maximumTokens ?? defaultMaximumTokens, room),
        stopTokens,
        sampling,
        ...(queueTimeoutMilliseconds === undefined ? {} : { queueTimeoutMilliseconds }),
      });
    } catch (thrown) {
      this.running.delete(requestId);
      throw thrown;
    }
    return { promptTokens: [...promptTokens], seed: sampling.seed, sampling: appliedSampling(sampling) };
  }

  private async prompt(order: GenerateOrder): Promise<Prompt> {
    const { requestId, input, parseSpecialTokens, sampling, stopTokens = [] } = order;
    const hasOwnEnd = order.ignoreEndOfText || stopTokens.length > 0;
    const starting: { failure?: ShoalError } = {};
    this.starting.set(requestId, starting);
    try {
      const { constraint } = sampling;
      const prompt = await this.text.prompt(input, { parseSpecialTokens, constraint, hasOwnEnd });
      if (starting.failure) throw starting.failure;
      return prompt;
    } finally {
      this.starting.delete(requestId);
    }
  }

  cancel(requestId: number): void {
    const starting = this.starting.get(requestId);
    if (starting) starting.failure = new ShoalError('ABORTED', 'the request was cancelled before it began');
    if (this.running.has(requestId)) this.member.cancel(requestId);
  }

  receive(event: RequestEvent): void {
    const { requestId } = event;
    const answers = this.running.get(requestId);
    if (event.kind === 'request-failed') {
      if (this.running.delete(requestId)) this.fail(requestId, errorFromCode(event.code, event.message));
      return;
    }
    const { choice } = event;
    const answer = answers?.get(choice);
    if (!answers || !answer) return;
    if (event.kind === 'token') {
      const token = answer.token(event);
      if (token) this.emit({ kind: 'token', requestId, ...token });
      // The engine does not read text: it is told, and what it has made in the meantime is dropped.
      if (token && answer.isStopped) this.member.cancel(requestId, choice);
      return;
    }
    answers.delete(choice);
    if (answers.size === 0) this.running.delete(requestId);
    this.emit({ kind: 'request-finished', requestId, ...answer.finished(event) });
  }

  failAll(error: ShoalError): void {
    for (const starting of this.starting.values()) starting.failure = error;
    for (const requestId of this.running.keys()) this.fail(requestId, error);
    this.running.clear();
  }

  private fail(requestId: number, { code, message, details }: ShoalError): void {
    this.emit({ kind: 'request-failed', requestId, error: { code, message, details } });
  }
}
