/**
 * The engine runs one member of an instance in a worker process: the head loop on stage 0 member 0, the member loop
 * elsewhere, on native threads. JavaScript orders it and hears of tokens; it is not on the token's path.
 */

import type { OpenDevice } from './backend.js';
import type { MemberProgram } from './program.js';
import type { ChannelSet, LoadCredentials, MemberAddress } from './transport.js';

export interface SamplingOptions {
  /** 0 is greedy. */
  readonly temperature: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  /** Seed of the counter-based generator; the same seed under the same plan gives the same text. */
  readonly seed: number;
}

/** One generation as the head sees it. */
export interface EngineRequest {
  /** Unique within the instance; chosen by the caller. */
  readonly id: number;
  readonly promptTokens: Uint32Array;
  readonly maximumTokens: number;
  /** Generation ends when one of these is sampled (it is reported as a token). */
  readonly stopTokens: readonly number[];
  readonly sampling: SamplingOptions;
}

export type EngineEvent =
  | { readonly kind: 'load-progress'; readonly loadedBytes: number; readonly totalBytes: number }
  | { readonly kind: 'token'; readonly requestId: number; readonly token: number; readonly index: number }
  | {
      readonly kind: 'request-finished';
      readonly requestId: number;
      readonly reason: 'stop' | 'length' | 'cancelled';
      readonly promptTokens: number;
      readonly generatedTokens: number;
      readonly prefillMicroseconds: number;
      readonly decodeMicroseconds: number;
    }
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
  /** Most prompt tokens of one step: bounds how long a prefill keeps others waiting. */
  readonly maximumStepTokens: number;
  readonly onEvent: (event: EngineEvent) => void;
}

export interface MemberStatistics {
  readonly steps: number;
  readonly computeMicroseconds: number;
  readonly waitMicroseconds: number;
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
  readonly residentSlots: number;
}

/** A loaded member. Submit and cancel are for the head only. */
export interface Member {
  submit(request: EngineRequest): void;
  /** Takes effect within one step; a `request-finished` with reason `cancelled` follows. */
  cancel(requestId: number): void;
  statistics(): MemberStatistics;
  /** Tells the peers goodbye, frees everything; idempotent. */
  close(): Promise<void>;
}

/** Worker half of an engine plugin. */
export interface EngineWorker {
  /** Reads the weights of the share and is ready to run when it resolves; rejects with ENGINE_* / MODEL_* codes. */
  createMember(options: MemberOptions, signal: AbortSignal): Promise<Member>;
}

/** Host half. */
export interface Engine {
  /** Undefined when it can run here, else the reason. */
  unavailableReason(): Promise<string | undefined>;
}
