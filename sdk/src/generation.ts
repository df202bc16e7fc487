import {
  AsyncQueue,
  type GenerationEvent,
  type GenerationInput,
  type GenerationOrder,
  type NodeService,
  ShoalError,
} from '@shoal/core';
import { StopText } from './stop-text.js';

/** How an answer is made; everything has a default. */
export interface GenerationOptions {
  /** Longest answer, in tokens; default 512. */
  readonly maximumTokens?: number;
  /** 0 (default) picks the likeliest token. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** The same seed under the same plan gives the same text; default: random. */
  readonly seed?: number;
  /** The text ends before the first of these. */
  readonly stop?: readonly string[];
  /** Go on after an end-of-text token. */
  readonly ignoreEndOfText?: boolean;
  readonly signal?: AbortSignal;
}

/** A piece of an answer. */
export interface GenerationPart {
  /** May be empty: a token can be a part of a character. */
  readonly text: string;
  /** Absent where text follows that was held back. */
  readonly token?: number;
}

export interface GenerationResult {
  readonly text: string;
  /** Ids of the generated tokens. */
  readonly tokens: readonly number[];
  /** Ids of the prompt, as the model saw it. */
  readonly promptTokens: readonly number[];
  /** `stop`: an end-of-text token or a stop string; `length`: the limit or the context was reached. */
  readonly finishReason: 'stop' | 'length' | 'cancelled';
  readonly usage: { readonly promptTokens: number; readonly generatedTokens: number };
  readonly timings: {
    /** From the call, as the caller saw it. */
    readonly timeToFirstTokenMilliseconds: number;
    readonly totalMilliseconds: number;
    /** As the engine measured it. */
    readonly prefillMilliseconds: number;
    readonly decodeMilliseconds: number;
    /** Decoding speed; undefined for an answer of one token. */
    readonly tokensPerSecond: number | undefined;
  };
  readonly seed: number;
}

/**
 * One running generation. Iterate it for the text as it comes; `result` has everything at the end. Leaving the loop, or
 * aborting the signal, cancels the request.
 */
export class Generation implements AsyncIterable<GenerationPart> {
  /** Rejects with the error that ended the generation; ABORTED when it was cancelled. */
  readonly result: Promise<GenerationResult>;

  private readonly parts = new AsyncQueue<GenerationPart>();
  private readonly controller = new AbortController();
  private readonly started = performance.now();

  constructor(
    private readonly service: NodeService,
    private readonly instance: string,
    private readonly input: GenerationInput,
    private readonly options: GenerationOptions,
  ) {
    this.result = this.run();
    // Who only iterates hears of a failure there.
    this.result.catch(() => undefined);
  }

  cancel(): void {
    this.controller.abort(new ShoalError('ABORTED', 'the generation was cancelled'));
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<GenerationPart, void, undefined> {
    let finished = false;
    try {
      yield* this.parts;
      finished = true;
    } finally {
      if (!finished) this.cancel();
    }
  }

  private async run(): Promise<GenerationResult> {
    try {
      const result = await this.generate();
      this.parts.complete();
      return result;
    } catch (thrown) {
      const error = ShoalError.from(thrown);
      this.parts.fail(error);
      throw error;
    }
  }

  private async generate(): Promise<GenerationResult> {
    const { options } = this;
    const stopText = new StopText(options.stop ?? []);
    const { temperature, topK, topP, minP, maximumTokens, seed } = options;
    const order: GenerationOrder = {
      input: this.input,
      ...(maximumTokens === undefined ? {} : { maximumTokens }),
      ignoreEndOfText: options.ignoreEndOfText ?? false,
      sampling: {
        ...(temperature === undefined ? {} : { temperature }),
        ...(topK === undefined ? {} : { topK }),
        ...(topP === undefined ? {} : { topP }),
        ...(minP === undefined ? {} : { minP }),
        ...(seed === undefined ? {} : { seed }),
      },
    };
    const signal = options.signal ? AbortSignal.any([options.signal, this.controller.signal]) : this.controller.signal;

    let text = '';
    let accepted: Extract<GenerationEvent, { kind: 'accepted' }> | undefined;
    const tokens: number[] = [];
    let firstTokenAt: number | undefined;
    let finished: Extract<GenerationEvent, { kind: 'finished' }> | undefined;
    let stopped = false;
    const show = (piece: string, token?: number) => {
      const certain = stopText.push(piece);
      text += certain.text;
      stopped = certain.stopped;
      if (token !== undefined) this.parts.push({ text: certain.text, token });
      else if (certain.text !== '') this.parts.push({ text: certain.text });
    };
    for await (const event of this.service.generate(this.instance, order, signal)) {
      if (event.kind === 'accepted') accepted = event;
      else if (event.kind === 'token') {
        firstTokenAt ??= performance.now();
        tokens.push(event.token);
        show(event.text, event.token);
        // Leaving the loop cancels the rest.
        if (stopped) break;
      } else {
        finished = event;
        show(event.text);
      }
    }
    if (!stopped) {
      const rest = stopText.flush();
      text += rest;
      if (rest !== '') this.parts.push({ text: rest });
    }
    const now = performance.now();
    const decodeMilliseconds = finished ? finished.decodeMicroseconds / 1000 : now - (firstTokenAt ?? now);
    const decoded = tokens.length - 1;
    const promptTokens = accepted?.promptTokens ?? [];
    return {
      text,
      tokens,
      promptTokens,
      finishReason: stopped ? 'stop' : (finished?.reason ?? 'cancelled'),
      usage: { promptTokens: promptTokens.length, generatedTokens: tokens.length },
      timings: {
        timeToFirstTokenMilliseconds: (firstTokenAt ?? now) - this.started,
        totalMilliseconds: now - this.started,
        prefillMilliseconds: (finished?.prefillMicroseconds ?? 0) / 1000,
        decodeMilliseconds,
        tokensPerSecond: decoded > 0 && decodeMilliseconds > 0 ? (decoded * 1000) / decodeMilliseconds : undefined,
      },
      seed: accepted?.seed ?? seed ?? 0,
    };
  }
}
