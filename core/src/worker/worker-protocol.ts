/**
 * What a host and its worker say to each other: JSON objects over the worker's pipe. Calls go from the host, answers and
 * events come from the worker. Only processes of one installation talk to each other, so there are no versions.
 */
import type { ChatMessage, ToolChoice, ToolDefinition } from '../model/chat-message.js';
import type { WorkerPluginDescription } from '../runtime/worker-plugins.js';
import type { MemberStatistics } from '../spec/engine.js';
import type { ErrorCode } from '../spec/errors.js';
import type { Plan } from '../spec/plan.js';
import type { LoadCredentials, MemberAddress, MemberEndpoint, TransportEndpoint } from '../spec/transport.js';
import type { AppliedSampling, SamplingRequest } from './sampling.js';

export interface PrepareOrder {
  readonly plugins: readonly WorkerPluginDescription[];
  readonly transport: string;
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  /** Address on which the transport listens. */
  readonly bindAddress: string;
  /** Further ones, where it can. */
  readonly otherAddresses?: readonly string[];
}

export interface LoadOrder {
  readonly plan: Plan;
  readonly endpoints: readonly MemberEndpoint[];
  /** The model's folder on this machine. */
  readonly modelDirectory: string;
  /** Name of the engine plugin. */
  readonly engine: string;
  /** Compute threads; absent: the backend's choice. */
  readonly threads?: number;
  /** Choices of requests that may wait; the head's business. Absent: the engine's default. */
  readonly queueCapacity?: number;
  readonly connectDeadlineMilliseconds: number;
}

export type GenerationInput =
  /** Rendered with the model's chat template. */
  | {
      readonly kind: 'messages';
      readonly messages: readonly ChatMessage[];
      /** Functions that the model may call. */
      readonly tools?: readonly ToolDefinition[];
      /** Default: the model decides. */
      readonly toolChoice?: ToolChoice;
      /** False: an answer has one call at most. Default true. */
      readonly parallelToolCalls?: boolean;
      /** Further variables of the template, such as `enable_thinking`; JSON. */
      readonly templateVariables?: Readonly<Record<string, unknown>>;
    }
  /** Taken as it is. */
  | { readonly kind: 'prompt'; readonly prompt: string }
  | { readonly kind: 'tokens'; readonly tokens: readonly number[] };

/** One generation, before it is tokens. */
export interface GenerationOrder {
  readonly input: GenerationInput;
  readonly sampling: SamplingRequest;
  /** Absent: `defaultMaximumTokens`. */
  readonly maximumTokens?: number;
  /** Go on after an end-of-text token. */
  readonly ignoreEndOfText: boolean;
  /**
   * Whether text that spells a special token becomes that token. Absent: in a prompt, whose maker writes its turns, but
   * not in messages.
   */
  readonly parseSpecialTokens?: boolean;
  /** Sample as if the model recommended nothing (generation_config.json). */
  readonly ignoreModelDefaults?: boolean;
  /** Answers to the same prompt; default 1. */
  readonly choices?: number;
  /** An answer ends before the first of these. */
  readonly stopTexts?: readonly string[];
  /** An answer ends with one of these, beside the model's end-of-text tokens; their text is no part of it. */
  readonly stopTokens?: readonly number[];
  /** Longest wait for a slot; then the request fails with REQUEST_QUEUE_TIMEOUT. Absent: for ever. */
  readonly queueTimeoutMilliseconds?: number;
}

/** What the head made of an order. */
export interface AcceptedGeneration {
  /** The token log's beginning. */
  readonly promptTokens: readonly number[];
  /** The seed that is used, drawn where the order left it open. */
  readonly seed: number;
  /** What else is sampled with, whether the order or the model says so. */
  readonly sampling: AppliedSampling;
}

/** A token with the logarithm of its probability in the model's own distribution. */
export interface TokenProbability {
  readonly token: number;
  /** The token by itself; a part of a character is U+FFFD. */
  readonly text: string;
  readonly logProbability: number;
}

/** How probable the model found a token, and what it found most probable in its place. */
export interface ExplainedToken extends TokenProbability {
  readonly alternatives: readonly TokenProbability[];
}

/** A piece of a function call: the first one has its id and name; the arguments of all in a row are JSON text. */
export interface ToolCallPart {
  /** Number of the call in the answer. */
  readonly index: number;
  readonly id?: string;
  readonly name?: string;
  readonly arguments: string;
}

/** What is not text in an answer to messages. */
export interface AnswerExtras {
  /** What the model thinks before it answers. */
  readonly reasoning?: string;
  readonly toolCalls?: readonly ToolCallPart[];
}

/** A token of an answer. */
export interface GeneratedToken extends AnswerExtras {
  readonly choice: number;
  /** Among the tokens of the choice, from 0. */
  readonly index: number;
  readonly token: number;
  /** What it adds to the text; empty while a character is incomplete, or might belong to a stop text. */
  readonly text: string;
  /** Where the order asks for it. */
  readonly logProbabilities?: Omit<ExplainedToken, 'token'>;
}

/** The end of an answer. */
export interface FinishedChoice extends AnswerExtras {
  readonly choice: number;
  readonly reason: 'stop' | 'length' | 'cancelled';
  /** The stop text, or the end-of-text or stop token, where that is the reason. */
  readonly stoppedBy?: string | number;
  /** Text that was held back until it was complete. */
  readonly text: string;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly prefillMicroseconds: number;
  readonly decodeMicroseconds: number;
}

export interface WorkerMethods {
  prepare: { request: PrepareOrder; response: { endpoint: TransportEndpoint } };
  /** Resolves when the member is ready to run. */
  load: { request: LoadOrder; response: Record<string, never> };
  /** Resolves when the head has taken the request; tokens follow as events under `requestId`. */
  generate: { request: GenerationOrder & { requestId: number }; response: AcceptedGeneration };
  cancel: { request: { requestId: number }; response: Record<string, never> };
  statistics: {
    request: Record<string, never>;
    /** `stalledHosts`: peers whose host's event loop is blocked, while they themselves go on. */
    response: MemberStatistics & { readonly stalledHosts: readonly MemberAddress[] };
  };
  close: { request: Record<string, never>; response: Record<string, never> };
}

export type WorkerMethod = keyof WorkerMethods;

export type WorkerEvent =
  | { readonly kind: 'load-progress'; readonly loadedBytes: number; readonly totalBytes: number }
  | ({ readonly kind: 'token'; readonly requestId: number } & GeneratedToken)
  /** The request has ended when all its choices have. */
  | ({ readonly kind: 'request-finished'; readonly requestId: number } & FinishedChoice)
  | { readonly kind: 'request-failed'; readonly requestId: number; readonly error: ErrorDocument }
  | { readonly kind: 'member-failed'; readonly error: ErrorDocument; readonly lost?: MemberAddress };

/** An error as JSON. */
export interface ErrorDocument {
  readonly code: ErrorCode;
  readonly message: string;
  readonly details: Readonly<Record<string, unknown>>;
}

export interface HostCall {
  readonly kind: 'call';
  readonly call: number;
  readonly method: WorkerMethod;
  readonly request: unknown;
}

export type HostMessage =
  | HostCall
  /** Sent in regular intervals: the host's event loop turns. */
  | { readonly kind: 'heartbeat' };

/** How often a host says that its event loop turns. */
export const hostHeartbeatMilliseconds = 250;

export type WorkerMessage =
  | { readonly kind: 'started' }
  | { readonly kind: 'answer'; readonly call: number; readonly response: unknown }
  | { readonly kind: 'failure'; readonly call: number; readonly error: ErrorDocument }
  | { readonly kind: 'event'; readonly event: WorkerEvent };
