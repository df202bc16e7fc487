import type {
  AppliedSampling,
  ExplainedToken,
  FinishedChoice,
  GeneratedToken,
  GenerationEvent,
  GenerationInput,
  NodeService,
  ToolCall,
  ToolCallPart,
} from '@shoal/core';
import { AsyncQueue, ShoalError } from '@shoal/core/client';
import { type GenerationOptions, orderOf } from './generation-options.js';

/** A piece of an answer. */
export interface GenerationPart {
  /** May be empty: a token can be a part of a character, or of what might become a stop string. */
  readonly text: string;
  /** Absent where text follows that was held back. */
  readonly token?: number;
  /** Which of the answers. */
  readonly choice: number;
  /** What the model thinks before it answers, where it does. */
  readonly reasoning?: string;
  /** Pieces of the functions that it calls. */
  readonly toolCalls?: readonly ToolCallPart[];
  /** Where `logProbabilities` asks for it. */
  readonly logProbability?: ExplainedToken;
}

/** One answer to a prompt. */
export interface GenerationChoice {
  readonly text: string;
  /** What the model thought before; absent where it did not. */
  readonly reasoning?: string;
  /** Functions that it wants called, where `tools` offers some; absent where it calls none. */
  readonly toolCalls?: readonly ToolCall[];
  /** Ids of the generated tokens. */
  readonly tokens: readonly number[];
  /** `stop`: an end-of-text or stop token, or a stop string; `length`: the limit or the context was reached. */
  readonly finishReason: 'stop' | 'length' | 'cancelled';
  /** The stop string or the id of the token that ended it, where that is the reason. */
  readonly stoppedBy?: string | number;
  /** Of each token, where `logProbabilities` asks for it. */
  readonly logProbabilities?: readonly ExplainedToken[];
}

/** The first answer, and what belongs to all of them. */
export interface GenerationResult extends GenerationChoice {
  /** All answers, the first one too. */
  readonly choices: readonly GenerationChoice[];
  /** Ids of the prompt, as the model saw it. */
  readonly promptTokens: readonly number[];
  /** Tokens of all answers together. */
  readonly usage: { readonly promptTokens: number; readonly generatedTokens: number };
  readonly timings: {
    /** From the call, as the caller saw it. */
    readonly timeToFirstTokenMilliseconds: number;
    readonly totalMilliseconds: number;
    /** As the engine measured it; of several answers, the one that took longest. */
    readonly prefillMilliseconds: number;
    readonly decodeMilliseconds: number;
    /** Decoding speed of all answers together; undefined where none has a second token. */
    readonly tokensPerSecond: number | undefined;
  };
  readonly seed: number;
  /** What was sampled with, whether the options or the model's generation_config.json say so. */
  readonly sampling: AppliedSampling;
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
    const order = orderOf(this.input, this.options);
    const { signal: given } = this.options;
    const signal = given ? AbortSignal.any([given, this.controller.signal]) : this.controller.signal;
    const answers = Array.from({ length: order.choices ?? 1 }, (_, choice) => new GrowingChoice(choice));
    let accepted: Extract<GenerationEvent, { kind: 'accepted' }> | undefined;
    let firstTokenAt: number | undefined;
    for await (const event of this.service.generate(this.instance, order, signal)) {
      if (event.kind === 'accepted') {
        accepted = event;
        continue;
      }
      if (event.kind === 'token') firstTokenAt ??= performance.now();
      const part = answers[event.choice]?.add(event);
      if (part) this.parts.push(part);
    }
    const now = performance.now();
    const [first] = answers;
    if (!first) throw new ShoalError('REQUEST_INVALID', 'choices is not a positive integer');
    const promptTokens = accepted?.promptTokens ?? [];
    const generatedTokens = answers.reduce((sum, { tokens }) => sum + tokens.length, 0);
    const longest = (field: 'prefillMicroseconds' | 'decodeMicroseconds') =>
      Math.max(...answers.map(({ finished }) => finished?.[field] ?? 0)) / 1000;
    const decodeMilliseconds = longest('decodeMicroseconds');
    const decoded = answers.reduce((sum, { tokens }) => sum + Math.max(0, tokens.length - 1), 0);
    return {
      ...first.choice(),
      choices: answers.map((answer) => answer.choice()),
      promptTokens,
      usage: { promptTokens: promptTokens.length, generatedTokens },
      timings: {
        timeToFirstTokenMilliseconds: (firstTokenAt ?? now) - this.started,
        totalMilliseconds: now - this.started,
        prefillMilliseconds: longest('prefillMicroseconds'),
        decodeMilliseconds,
        tokensPerSecond: decoded > 0 && decodeMilliseconds > 0 ? (decoded * 1000) / decodeMilliseconds : undefined,
      },
      seed: accepted?.seed ?? order.sampling.seed ?? 0,
      sampling: accepted?.sampling ?? { temperature: 0 },
    };
  }
}

/** An answer as far as it has come. */
class GrowingChoice {
  readonly tokens: number[] = [];
  finished: FinishedChoice | undefined;
  private text = '';
  private reasoning = '';
  private readonly toolCalls: ToolCall[] = [];
  private readonly logProbabilities: ExplainedToken[] = [];

  constructor(private readonly number: number) {}

  /** What the event adds, for who iterates. */
  add(
    event: ({ kind: 'token' } & GeneratedToken) | ({ kind: 'finished' } & FinishedChoice),
  ): GenerationPart | undefined {
    const { text, reasoning, toolCalls } = event;
    this.text += text;
    this.reasoning += reasoning ?? '';
    for (const part of toolCalls ?? []) this.addCall(part);
    const extras = { ...(reasoning === undefined ? {} : { reasoning }), ...(toolCalls ? { toolCalls } : {}) };
    const part = { text, choice: this.number, ...extras };
    if (event.kind === 'finished') {
      this.finished = event;
      return text === '' && reasoning === undefined && !toolCalls ? undefined : part;
    }
    const { token, logProbabilities } = event;
    this.tokens.push(token);
    if (!logProbabilities) return { ...part, token };
    const logProbability = { token, ...logProbabilities };
    this.logProbabilities.push(logProbability);
    return { ...part, token, logProbability };
  }

  private addCall({ index, id = '', name = '', arguments: text }: ToolCallPart): void {
    const call = this.toolCalls[index] ?? { id, name, arguments: '' };
    this.toolCalls[index] = { ...call, arguments: call.arguments + text };
  }

  choice(): GenerationChoice {
    const { text, reasoning, toolCalls, tokens, logProbabilities, finished } = this;
    return {
      text,
      ...(reasoning === '' ? {} : { reasoning }),
      ...(toolCalls.length === 0 ? {} : { toolCalls }),
      tokens,
      finishReason: finished?.reason ?? 'cancelled',
      ...(finished?.stoppedBy === undefined ? {} : { stoppedBy: finished.stoppedBy }),
      ...(logProbabilities.length === 0 ? {} : { logProbabilities }),
    };
  }
}
