import type { DeviceKind } from './backend.js';
import type { ModelTraits } from './model.js';
import type { StorageType } from './program.js';
import type { Range } from './range.js';
import type { StorageChoice } from './sharding.js';

/** One member of a stage: a device of a node, and its part of every cut. */
export interface PlanMember {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly backend: string;
  readonly deviceId: string;
  /** Absent in plans of older versions. */
  readonly deviceKind?: DeviceKind;
  /** Share of the stage in [0, 1], for people; the cuts are what counts. */
  readonly share: number;
  /** SHA-256 of the member's lowered program: members build it locally and refuse a mismatch. */
  readonly programDigest: string;
  /** Predicted bytes: weights as stored, state for the context, activations and margin. */
  readonly weightBytes: number;
  readonly stateBytes: number;
  /** What of `stateBytes` is activations and margin. */
  readonly workingBytes?: number;
}

export interface PlanStage {
  readonly layers: Range;
  /** Ranges per member for every axis of the strategy's constraints. */
  readonly cuts: Readonly<Record<string, readonly Range[]>>;
  readonly members: readonly PlanMember[];
}

/** What the planner expects of a plan; the figures that it is made of may be typical ones. */
export interface PlanPrediction {
  /** Of one answer alone, in the middle of a conversation. */
  readonly millisecondsPerToken: number;
  /** Of all answers together, when every slot is taken. */
  readonly tokensPerSecond: number;
  readonly prefillTokensPerSecond: number;
  /** With a prompt of `promptTokens`. */
  readonly timeToFirstTokenMilliseconds: number;
  readonly promptTokens: number;
  /** When a conversation has taken the whole context: its last token, and a prompt as long as that. */
  readonly fullContext?: {
    readonly positions: number;
    readonly millisecondsPerToken: number;
    readonly timeToFirstTokenMilliseconds: number;
  };
  /** What the least certain of the figures behind it is from; `table`: it was not measured. */
  readonly source: 'measured' | 'driver' | 'operating-system' | 'table';
}

/**
 * Who computes what. One member per stage is pipeline parallel, one stage is tensor parallel, all else hybrid: one
 * representation. The head is stages[0].members[0]; the sampler is the last stage's members[0].
 */
export interface Plan {
  readonly modelName: string;
  readonly modelDigest: string;
  readonly strategy: string;
  readonly strategyVersion: string;
  readonly storage: StorageChoice;
  readonly stateStorage: 'f16' | 'f32';
  readonly contextLength: number;
  readonly slotCount: number;
  readonly stages: readonly PlanStage[];
  /** Absent in plans of older versions. */
  readonly predicted?: PlanPrediction;
  /** Of the model; absent before it is loaded, and in plans of older versions. */
  readonly traits?: ModelTraits;
  /** Sentences for people: what was considered and why this. */
  readonly reasons: readonly string[];
  /** Devices left out, each with the reason. */
  readonly leftOut: readonly { readonly nodeName: string; readonly deviceId: string; readonly reason: string }[];
}

/** Nothing fits: what was needed and what there is. */
export interface PlanRefusal {
  readonly code: 'PLAN_DOES_NOT_FIT' | 'PLAN_SHAPE_IMPOSSIBLE' | 'PLAN_NO_DEVICES' | 'TRANSPORT_UNAVAILABLE';
  readonly message: string;
  readonly requiredBytes?: number;
  readonly availableBytes?: number;
  /** What is missing in all; devices that are added need some of their own, too. */
  readonly missingBytes?: number;
  /** Each of these alone would let it fit on what there is; absent where none would. */
  readonly needs?: { readonly storage?: StorageType; readonly contextLength?: number; readonly slotCount?: number };
  readonly reasons: readonly string[];
}
