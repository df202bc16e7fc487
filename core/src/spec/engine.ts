/**
 * The engine runs one member of an instance in a worker process: the head loop on stage 0 member 0, the member loop
 * elsewhere, on native threads. JavaScript orders it and hears of tokens; it is not on the token's path.
 */

import type { OpenDevice } from './backend.js';
import type { MemberProgram, StorageType } from './program.js';
import type { ChannelSet, LoadCredentials, MemberAddress } from './transport.js';

/**
 * How tokens are drawn. The logits of a sequence pass, in this order: repetition penalty, presence and frequency penalty,
 * logit bias, constraint, temperature, top-k, top-p, min-p; from what is left, one token is drawn.
 */
export interface SamplingOptions {
  /** Divides the logits; 0 is greedy: the largest logit, of equal ones the lowest token. */
  readonly temperature: number;
  /** Keeps the so many largest. */
  readonly topK?: number;
  /** Keeps the smallest set of the most probable whose probabilities reach this sum. */
  readonly topP?: number;
  /** Keeps those at least this fraction as probable as the most probable. */
  readonly minP?: number;
  /**
   * Divides positive and multiplies negative logits of tokens that occur in the prompt or the answer, as in transformers
   * and llama.cpp. Above 0; 1 changes nothing.
   */
  readonly repetitionPenalty?: number;
  /** Subtracted from the logits of tokens that occur in the answer, as in OpenAI's interface. -2 to 2. */
  readonly presencePenalty?: number;
  /** Subtracted as often as the token occurs in the answer, as in OpenAI's interface. -2 to 2. */
  readonly frequencyPenalty?: number;
  /** Added to the logits of these tokens, as in OpenAI's interface. */
  readonly logitBias?: readonly TokenBias[];
  /** Which tokens may come next at all. */
  readonly constraint?: Constraint;
  /**
   * Asks for the log-probability of every drawn token, and of so many of the most probable in its place (0 to 20). They
   * are the model's own: of the softmax over its logits, before anything of the above.
   */
  readonly logProbabilities?: number;
  /** Seed of the counter-based generator; the same seed under the same plan gives the same text. */
  readonly seed: number;
}

export interface TokenBias {
  readonly token: number;
  /** -100 to 100. */
  readonly bias: number;
}

/** A rule for what an answer may be. The engine knows what kinds there are; `allowed-tokens` is always one. */
export interface Constraint {
  readonly kind: string;
  /** In the language of the kind; for `allowed-tokens` a JSON list of token ids. */
  readonly specification: string;
}

/** Natural logarithms of probabilities in the model's own distribution. */
export interface TokenLogProbabilities {
  /** Of the drawn token. */
  readonly logProbability: number;
  /** Most probable first; the drawn token may be among them. */
  readonly alternatives: readonly { readonly token: number; readonly logProbability: number }[];
}

/** One generation as the head sees it, or several of one prompt. */
export interface EngineRequest {
  /** Unique within the instance; chosen by the caller. */
  readonly id: number;
  readonly promptTokens: Uint32Array;
  /** How many of the last prompt tokens were generated earlier: a generation goes on from its token log. Default 0. */
  readonly resumedTokens?: number;
  /** How many answers are generated; they share the computation of the prompt. Default 1. */
  readonly choices?: number;
  /** Number of the first of them, default 0; the draws of a choice follow from the seed and its number. */
  readonly firstChoice?: number;
  /** For each choice. */
  readonly maximumTokens: number;
  /** A choice ends when one of these is sampled (it is reported as a token). */
  readonly stopTokens: readonly number[];
  /** How long the request waits for a slot before it fails with REQUEST_QUEUE_TIMEOUT; absent: for ever. */
  readonly queueTimeoutMilliseconds?: number;
  readonly sampling: SamplingOptions;
}

export type EngineEvent =
  | { readonly kind: 'load-progress'; readonly loadedBytes: number; readonly totalBytes: number }
  | {
      readonly kind: 'token';
      readonly requestId: number;
      readonly choice: number;
      readonly token: number;
      /** Among the tokens of the choice, from 0. */
      readonly index: number;
      /** Where the request asks for them. */
      readonly logProbabilities?: TokenLogProbabilities;
    }
  /** A choice ended well; the request has ended when all its choices have. */
  | {
      readonly kind: 'request-finished';
      readonly requestId: number;
      readonly choice: number;
      readonly reason: 'stop' | 'length' | 'cancelled';
      readonly promptTokens: number;
      readonly generatedTokens: number;
      readonly prefillMicroseconds: number;
      readonly decodeMicroseconds: number;
    }
  /** None of the request's choices goes on. */
  | { readonly kind: 'request-failed'; readonly requestId: number; readonly code: string; readonly message: string }
  /** The member cannot go on; `lost` names the guilty peer where a peer is the cause. */
  | {
      readonly kind: 'member-failed';
      readonly code: string;
      readonly message: string;
      readonly lost?: MemberAddress;
    };

export interface MemberOptions {
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  /** Members of each stage. */
  readonly stageSizes: readonly number[];
  readonly program: MemberProgram;
  readonly modelDirectory: string;
  readonly device: OpenDevice;
  readonly channels: ChannelSet;
  readonly slotCount: number;
  readonly contextLength: number;
  readonly stateStorage: 'f16' | 'f32';
  /** Most tokens of one step: bounds how long a prefill keeps others waiting. */
  readonly maximumStepTokens: number;
  /** Choices of requests that may wait beyond those in slots; more are refused with REQUEST_QUEUE_FULL. Default 256. */
  readonly queueCapacity?: number;
  /** An event that is not as its type says ends the member, with PLUGIN_VERSION_MISMATCH. */
  readonly onEvent: (event: EngineEvent) => void;
}

/** Counters of a member since it was loaded. */
export interface MemberStatistics {
  /** Forward passes that it took part in. */
  readonly steps: number;
  /** Tokens of answers that were drawn (the head only); absent: an older version. */
  readonly generatedTokens?: number;
  /** Time in the backend. */
  readonly computeMicroseconds: number;
  /** Time within steps in which it waited for others: activations, collectives, tokens. */
  readonly waitMicroseconds: number;
  /** Time within steps in which it moved bytes to and from others, and added up what they sent. */
  readonly wireMicroseconds: number;
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
  /** Sequences in slots (the head only). */
  readonly residentSlots: number;
  /** Choices of requests that wait for a slot (the head only). */
  readonly waitingRequests: number;
  /** Slots that hold state here; they are freed with the first step after their sequence's end. */
  readonly occupiedSlots: number;
  /**
   * Those that ended lately, that have a slot, and that wait, of many of each some (the head only); absent where the engine
   * does not tell.
   */
  readonly answers?: readonly AnswerProgress[];
}

/** A choice of a request at the head: where it is, and where its time went. It goes on ended until others have followed it. */
export interface AnswerProgress {
  readonly requestId: number;
  readonly choice: number;
  /** It waits for a slot; its prompt is computed; it has its first token; or how it ended. */
  readonly state: 'waiting' | 'reading' | 'answering' | 'stop' | 'length' | 'cancelled' | 'failed';
  /** Why it failed. */
  readonly code?: string;
  readonly promptTokens: number;
  readonly generatedTokens: number;
  /** Until its first step. */
  readonly queueMicroseconds: number;
  /** From its first step to its first token. */
  readonly prefillMicroseconds: number;
  /** From its first token on. */
  readonly decodeMicroseconds: number;
  readonly submittedMicrosecondsAgo: number;
  readonly endedMicrosecondsAgo?: number;
}

/** A loaded member. Submit and cancel are for the head only. */
export interface Member {
  submit(request: EngineRequest): void;
  /**
   * Ends a request, or one of its choices, within one step; a `request-finished` with reason `cancelled` follows for each
   * choice that had not ended.
   */
  cancel(requestId: number, choice?: number): void;
  statistics(): MemberStatistics;
  /** Tells the peers goodbye, frees everything; idempotent. */
  close(): Promise<void>;
}

/** Worker half of an engine plugin. */
export interface EngineWorker {
  /** Reads the weights of the share and is ready to run when it resolves; rejects with ENGINE_* / MODEL_* codes. */
  createMember(options: MemberOptions, signal: AbortSignal): Promise<Member>;
}

/** A checkpoint to be written anew, so that later loads need not quantize. */
export interface CheckpointConversion {
  readonly modelDirectory: string;
  /** The tensors to write; without a storage type they stay as they are stored. */
  readonly tensors: readonly { readonly name: string; readonly storage?: StorageType }[];
  /** Path of the safetensors file to write. */
  readonly outputFile: string;
  /** Absent: as many as this process may use. */
  readonly threads?: number;
  readonly onProgress: (writtenBytes: number, totalBytes: number) => void;
}

/** Host half. */
export interface Engine {
  /** Undefined when it can run here, else the reason. */
  unavailableReason(): Promise<string | undefined>;
  /** For people, where it can run: which build of it, and where that is. Never rejects. */
  describe?(): Promise<string>;
  /**
   * Writes a checkpoint anew; absent where the engine cannot. Rejects with MODEL_*, PROGRAM_STORAGE_BLOCK or ABORTED, and
   * leaves behind what it wrote until then.
   */
  convertCheckpoint?(conversion: CheckpointConversion, signal: AbortSignal): Promise<void>;
}
