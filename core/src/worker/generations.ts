/** Requests that run in the head's engine, with their text. */
import type { StreamingDetokenizer } from '../model/streaming-detokenizer.js';
import type { EngineEvent, Member } from '../spec/engine.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';
import { defaultMaximumTokens, resolveSampling } from './sampling.js';
import type { TextSide } from './text-side.js';
import type { WorkerEvent, WorkerMethods } from './worker-protocol.js';

type RequestEvent = Extract<EngineEvent, { requestId: number }>;

export class Generations {
  private readonly running = new Map<number, { detokenizer: StreamingDetokenizer | undefined; stop: Set<number> }>();

  constructor(
    private readonly member: Member,
    private readonly text: TextSide,
    private readonly contextLength: number,
    private readonly emit: (event: WorkerEvent) => void,
  ) {}

  /** Throws REQUEST_TOO_LONG, REQUEST_INVALID, MODEL_TOKENIZER_INVALID, MODEL_TEMPLATE_INVALID. */
  start(order: WorkerMethods['generate']['request']): WorkerMethods['generate']['response'] {
    const promptTokens = this.text.tokens(order.input);
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
    const stopTokens = order.ignoreEndOfText ? [] : this.text.stopTokens;
    const { requestId } = order;
    const sampling = resolveSampling(order.sampling);
    this.running.set(requestId, { detokenizer: this.text.stream(), stop: new Set(stopTokens) });
    try {
      this.member.submit({
        id: requestId,
        promptTokens,
        maximumTokens: Math.min(order.maximumTokens ?? defaultMaximumTokens, room),
        stopTokens,
        sampling,
      });
    } catch (thrown) {
      this.running.delete(requestId);
      throw thrown;
    }
    return { promptTokens: [...promptTokens], seed: sampling.seed };
  }

  cancel(requestId: number): void {
    if (this.running.has(requestId)) this.member.cancel(requestId);
  }

  receive(event: RequestEvent): void {
    const { requestId } = event;
    const running = this.running.get(requestId);
    if (!running) return;
    if (event.kind === 'token') {
      // A stop token says that the text has ended; it is not part of it.
      const text = running.stop.has(event.token) ? '' : (running.detokenizer?.push(event.token) ?? '');
      this.emit({ kind: 'token', requestId, index: event.index, token: event.token, text });
      return;
    }
    this.running.delete(requestId);
    if (event.kind === 'request-finished') {
      this.emit({ ...event, text: running.detokenizer?.flush() ?? '' });
    } else {
      this.fail(requestId, errorFromCode(event.code, event.message));
    }
  }

  failAll(error: ShoalError): void {
    for (const requestId of this.running.keys()) this.fail(requestId, error);
    this.running.clear();
  }

  private fail(requestId: number, { code, message, details }: ShoalError): void {
    this.emit({ kind: 'request-failed', requestId, error: { code, message, details } });
  }
}
