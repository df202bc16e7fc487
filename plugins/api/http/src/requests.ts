/** Requests that run: how many, for how long, and on which instance. */
import {
  type GenerationEvent,
  type GenerationInput,
  type GenerationOrder,
  type NodeService,
  ShoalError,
} from '@shoal/core';
import type { ModelDirectory, ServedModel } from './model-directory.js';
import type { HttpApiOptions } from './options.js';
import type { RequestMetrics } from './request-metrics.js';

export type AcceptedEvent = Extract<GenerationEvent, { kind: 'accepted' }>;
/** What follows the acceptance. */
export type AnswerEvent = Exclude<GenerationEvent, { kind: 'accepted' }>;

/** A generation whose prompt the head has taken. */
export interface RunningAnswer {
  readonly model: ServedModel;
  readonly accepted: AcceptedEvent;
  /** To be read to its end, or left: that cancels the request on every node. */
  readonly events: AsyncGenerator<AnswerEvent, void, undefined>;
  /** For who does not even begin to read. */
  cancel(): Promise<void>;
}

export class Requests {
  private running = 0;
  private readonly whenIdle = new Set<() => void>();

  constructor(
    private readonly service: NodeService,
    private readonly models: ModelDirectory,
    private readonly metrics: RequestMetrics,
    private readonly options: HttpApiOptions,
  ) {}

  /** Tokens of a prompt. The head writes it; who does not read on cancels what it would have made of it. */
  async countTokens(name: string, input: GenerationInput, signal: AbortSignal): Promise<number> {
    const order = { input, ignoreEndOfText: false, maximumTokens: 1, sampling: {} };
    const running = await this.start(name, order, signal);
    await running.cancel();
    return running.accepted.promptTokens.length;
  }

  /**
   * Resolves when the head has taken the prompt, so that what is wrong with a request is known before anything is sent.
   * An instance that has just failed is passed over where another one serves the model. Rejects with REQUEST_QUEUE_FULL
   * and what `generate` throws.
   */
  async start(name: string, order: GenerationOrder, signal: AbortSignal): Promise<RunningAnswer> {
    if (this.running >= this.options.maximumRequests) {
      const message = `${this.running} requests are running at this node, which is its limit; try again later`;
      throw new ShoalError('REQUEST_QUEUE_FULL', message, { details: { running: this.running } });
    }
    this.running += 1;
    const startedAt = performance.now();
    const ended = this.metrics.began(name);
    const limit = new Limit(signal, this.options.answerSeconds);
    let isSettled = false;
    const settle = (outcome: string) => {
      if (isSettled) return;
      isSettled = true;
      limit.end();
      ended(outcome);
      this.running -= 1;
      if (this.running === 0) for (const resolve of this.whenIdle) resolve();
    };
    try {
      const tried = new Set<string>();
      for (;;) {
        const model = await this.models.find(name, tried);
        const events = this.service.generate(model.instance.instance, order, limit.signal)[Symbol.asyncIterator]();
        try {
          const first = await events.next();
          if (first.done || first.value.kind !== 'accepted') {
            throw new ShoalError('INTERNAL', 'the head took the request without saying so');
          }
          const accepted = first.value;
          return {
            model,
            accepted,
            events: this.observe(model.name, startedAt, accepted, events, settle),
            async cancel() {
              settle('cancelled');
              await events.return?.();
            },
          };
        } catch (thrown) {
          if (!isGone(thrown) || limit.signal.aborted || tried.size > 0) throw thrown;
          tried.add(model.instance.instance);
        }
      }
    } catch (thrown) {
      settle(outcomeOf(thrown));
      throw thrown;
    }
  }

  /** Resolves when nothing runs, or when the time is over. */
  async drained(milliseconds: number): Promise<void> {
    if (this.running === 0) return;
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, milliseconds);
      this.whenIdle.add(() => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private async *observe(
    name: string,
    startedAt: number,
    accepted: AcceptedEvent,
    events: AsyncIterator<GenerationEvent>,
    settle: (outcome: string) => void,
  ): AsyncGenerator<AnswerEvent, void, undefined> {
    const answer = this.metrics.answer(name, accepted.promptTokens.length, startedAt);
    let outcome = 'cancelled';
    try {
      for (;;) {
        const { done, value } = await events.next();
        if (done) break;
        if (value.kind === 'accepted') continue;
        if (value.kind === 'token') answer.token(value.choice);
        yield value;
      }
      outcome = 'completed';
    } catch (thrown) {
      outcome = outcomeOf(thrown);
      throw thrown;
    } finally {
      settle(outcome);
      await events.return?.();
    }
  }
}

/**
 * Aborts when the client goes away, or when an answer has taken as long as it may. Nothing of it stays when the answer has ended:
 * a signal with a timeout of its own would be kept for all of that time.
 */
class Limit {
  private readonly controller = new AbortController();
  private readonly timer: NodeJS.Timeout;
  private readonly passOn = () => this.controller.abort(this.client.reason);

  constructor(
    private readonly client: AbortSignal,
    seconds: number,
  ) {
    this.timer = setTimeout(() => {
      const message = `the answer took longer than ${seconds} s, which is the longest here`;
      this.controller.abort(new ShoalError('TIMEOUT', message, { details: { seconds } }));
    }, seconds * 1000);
    if (client.aborted) this.passOn();
    else client.addEventListener('abort', this.passOn, { once: true });
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  end(): void {
    clearTimeout(this.timer);
    this.client.removeEventListener('abort', this.passOn);
  }
}

/** The instance, not the request, is what is wrong. */
function isGone(thrown: unknown): boolean {
  return ShoalError.is(thrown) && (thrown.code === 'INSTANCE_NOT_FOUND' || thrown.code === 'INSTANCE_FAILED');
}

function outcomeOf(thrown: unknown): string {
  const { code } = ShoalError.from(thrown);
  return code === 'ABORTED' ? 'cancelled' : code;
}
