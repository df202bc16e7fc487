/** A response that is being made: for a client that waits, for one that reads events, or for who asks later. */
import { problemOf } from '../../problems.js';
import type { RunningAnswer } from '../../requests.js';
import { Usage } from '../usage.js';
import { itemId, type KeptItem } from './items.js';
import { OutputItems, type Told } from './output.js';
import type { ResponseBody } from './schema.js';
import type { StoredResponse } from './store.js';

type Status = 'in_progress' | 'completed' | 'incomplete' | 'failed' | 'cancelled';

/** An event as it is sent. */
export type NumberedEvent = Told & { readonly sequence_number: number };

export interface ResponseRunOptions {
  readonly body: ResponseBody;
  readonly running: RunningAnswer;
  readonly input: readonly KeptItem[];
  readonly isSingleCall: boolean;
}

const seconds = () => Math.floor(Date.now() / 1000);

export class ResponseRun implements StoredResponse {
  readonly id = itemId('resp');
  readonly previous: string | undefined;
  readonly input: readonly KeptItem[];
  private readonly body: Omit<ResponseBody, 'input'>;
  /** Let go when it has ended: what is kept is counted. */
  private running: RunningAnswer | undefined;
  private readonly model: string;
  private readonly counted: Usage;
  private readonly sampling: { readonly temperature: number; readonly topP?: number };
  private readonly items: OutputItems;
  private readonly createdAt = seconds();
  private completedAt: number | null = null;
  private status: Status = 'in_progress';
  private error: { code: string; message: string } | null = null;
  private failure: unknown;
  private number = 0;

  constructor({ body, running, input, isSingleCall }: ResponseRunOptions) {
    const { input: _input, ...kept } = body;
    this.body = kept;
    this.running = running;
    this.model = running.model.name;
    this.counted = new Usage(running.accepted.promptTokens.length);
    this.sampling = running.accepted.sampling;
    this.input = input;
    this.previous = body.previous_response_id ?? undefined;
    this.items = new OutputItems(isSingleCall);
  }

  /** Not a copy: grows while it is made. */
  get output(): readonly KeptItem[] {
    return this.items.items as unknown as readonly KeptItem[];
  }

  get isRunning(): boolean {
    return this.status === 'in_progress';
  }

  /**
   * Makes the answer; gives every event once. A failure is an event, too, and a property of the response. Who stops
   * reading cancels it.
   */
  async *events(): AsyncGenerator<NumberedEvent, void, undefined> {
    yield this.event({ type: 'response.created', response: this.json() });
    yield this.event({ type: 'response.in_progress', response: this.json() });
    let isCut = false;
    try {
      for await (const event of this.running?.events ?? []) {
        this.counted.add(event);
        if (event.kind === 'finished') isCut = event.reason === 'length';
        for (const told of this.items.add(event)) yield this.event(told);
      }
      for (const told of this.items.end(isCut)) yield this.event(told);
      this.settle(isCut ? 'incomplete' : 'completed');
    } catch (thrown) {
      const { code, message } = problemOf(thrown);
      this.failure = thrown;
      this.error = code === 'ABORTED' ? null : { code: 'server_error', message };
      this.settle(code === 'ABORTED' ? 'cancelled' : 'failed');
    } finally {
      // A reader that left.
      if (this.isRunning) this.settle('cancelled');
    }
    // The interface has no event for one that was cancelled: its stream just ends.
    if (this.status !== 'cancelled') yield this.event({ type: `response.${this.status}`, response: this.json() });
  }

  /** Makes the answer for who only wants the end of it. Throws what went wrong. */
  async whole(): Promise<object> {
    for await (const _event of this.events()) {
      // The items are gathered as they come.
    }
    if (this.failure !== undefined) throw this.failure;
    return this.json();
  }

  json(): object {
    const { body, sampling, status } = this;
    return {
      id: this.id,
      object: 'response',
      created_at: this.createdAt,
      status,
      background: body.background ?? false,
      completed_at: this.completedAt,
      error: this.error,
      incomplete_details: status === 'incomplete' ? { reason: 'max_output_tokens' } : null,
      instructions: body.instructions ?? null,
      max_output_tokens: body.max_output_tokens ?? null,
      max_tool_calls: null,
      metadata: body.metadata ?? {},
      model: this.model,
      output: this.items.json(),
      parallel_tool_calls: body.parallel_tool_calls ?? true,
      previous_response_id: this.previous ?? null,
      prompt_cache_key: body.prompt_cache_key ?? null,
      reasoning: { effort: body.reasoning?.effort ?? null, summary: null },
      safety_identifier: body.safety_identifier ?? null,
      service_tier: 'default',
      store: body.store ?? true,
      // What the answer is sampled with, whoever said it.
      temperature: sampling.temperature,
      text: { format: body.text?.format ?? { type: 'text' }, verbosity: 'medium' },
      tool_choice: body.tool_choice ?? 'auto',
      tools: body.tools ?? [],
      top_logprobs: body.top_logprobs ?? 0,
      top_p: sampling.topP ?? 1,
      truncation: 'disabled',
      usage: this.isRunning ? null : this.usage(),
      user: body.user ?? null,
    };
  }

  private usage() {
    const { prompt_tokens, completion_tokens, completion_tokens_details, total_tokens } = this.counted.json();
    return {
      input_tokens: prompt_tokens,
      // Prompts are read anew each time.
      input_tokens_details: { cached_tokens: 0, cache_write_tokens: 0 },
      output_tokens: completion_tokens,
      output_tokens_details: completion_tokens_details,
      total_tokens,
    };
  }

  private settle(status: Status): void {
    this.status = status;
    this.running = undefined;
    if (status === 'completed') this.completedAt = seconds();
  }

  private event(told: Told): NumberedEvent {
    this.number += 1;
    return { ...told, sequence_number: this.number - 1 };
  }
}
