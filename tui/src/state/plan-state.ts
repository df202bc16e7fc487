/** Plans as the dashboard keeps them. */
import type { Figure } from './figure.js';

export interface PlanState {
  readonly modelName: string;
  readonly strategy: string;
  /** Storage type of matrices. */
  readonly storage: string;
  readonly stateStorage: string;
  readonly contextLength: number;
  readonly slotCount: number;
  readonly stages: readonly PlanStageState[];
  readonly predicted: PredictionState;
  readonly reasons: readonly string[];
  readonly leftOut: readonly LeftOutState[];
}

export interface PlanStageState {
  /** The first, and the one after the last. */
  readonly layers: readonly [number, number];
  readonly members: readonly PlanMemberState[];
}

export interface PlanMemberState {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly backend: string;
  readonly deviceId: string;
  /** Of the stage, 0 to 1. */
  readonly share: number;
  readonly weightBytes: Figure;
  readonly stateBytes: Figure;
}

export interface PredictionState {
  readonly millisecondsPerToken: Figure;
  readonly tokensPerSecond: Figure;
  readonly timeToFirstTokenMilliseconds: Figure;
}

/** A device, or a whole node where `deviceId` is ''. */
export interface LeftOutState {
  readonly nodeName: string;
  readonly deviceId: string;
  readonly reason: string;
}

/** What is asked of `explain`: a model, and what is pretended. */
export interface ExplanationQuestion {
  readonly model: string;
  /** Names of nodes that are taken as gone. */
  readonly without: readonly string[];
  /** Names of nodes, each of which is taken to be there once more. */
  readonly added: readonly string[];
}

export interface ExplanationState {
  readonly question: ExplanationQuestion;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly outcome:
    | { readonly phase: 'planning' }
    | { readonly phase: 'planned'; readonly plan: PlanState; readonly times?: PlanTimesState }
    | {
        readonly phase: 'refused';
        readonly code: string;
        readonly message: string;
        readonly reasons: readonly string[];
      };
  /** Plans that were looked at besides. */
  readonly considered: readonly { readonly description: string; readonly millisecondsPerToken: Figure }[];
  /** What every member needs, working memory included, beside what its device has. */
  readonly needs: readonly MemberNeedState[];
}

export interface MemberNeedState {
  readonly stage: number;
  readonly member: number;
  readonly needBytes: Figure;
  readonly availableBytes: Figure;
}

/** Where a token's time is predicted to go. */
export interface PlanTimesState {
  readonly stages: readonly { readonly stage: number; readonly milliseconds: Figure }[];
  readonly hops: readonly {
    readonly from: string;
    readonly to: string;
    readonly kind: string;
    readonly milliseconds: Figure;
  }[];
  readonly samplingMilliseconds: Figure;
}
