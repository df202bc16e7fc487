/**
 * What changes the dashboard's state. Updates carry what the cluster answered as it is: types say what is expected, and
 * `apply` believes none of it.
 */
import type { ClusterEvent, ClusterState, ClusterTopology, InstanceSummary, LogRecord, NodeSummary } from '@shoal/core';
import type { LibraryModel, MachineReport, MemberReport, PlanExplanation } from 'shoal';
import type { ExplanationQuestion } from './plan-state.js';
import type { ConnectionState } from './state.js';

export type Update = { /** Milliseconds since 1970. */ readonly at: number } & (
  | { readonly kind: 'connection'; readonly connection: ConnectionState; readonly selfNodeId?: string }
  /** What `nodes()`, `instances()` and `state()` said at one look. */
  | {
      readonly kind: 'cluster';
      readonly nodes: readonly NodeSummary[];
      readonly instances: readonly InstanceSummary[];
      readonly state: ClusterState;
    }
  | { readonly kind: 'machines'; readonly machines: readonly MachineReport[] }
  | { readonly kind: 'topology'; readonly topology: ClusterTopology }
  | { readonly kind: 'statistics'; readonly instance: string; readonly members: readonly MemberReport[] }
  | { readonly kind: 'models'; readonly models: readonly LibraryModel[] }
  | { readonly kind: 'explaining'; readonly question: ExplanationQuestion }
  | {
      readonly kind: 'explained';
      readonly question: ExplanationQuestion;
      readonly explanation: Pick<PlanExplanation, 'outcome' | 'numbers'> | { readonly failure: Failure };
    }
  /** Many at once, for they may come by the thousand. */
  | { readonly kind: 'events'; readonly events: readonly ClusterEvent[] }
  | { readonly kind: 'logs'; readonly nodeName: string; readonly records: readonly LogRecord[] }
  | ChatUpdate
);

export interface Failure {
  readonly code: string;
  readonly message: string;
}

export type ChatUpdate =
  | { readonly kind: 'chat-model-chosen'; readonly instance: string }
  /** Adds the question and an empty answer. */
  | { readonly kind: 'chat-asked'; readonly text: string; readonly modelName: string }
  | {
      readonly kind: 'chat-delta';
      readonly text: string;
      readonly reasoning?: string;
      /** Of the whole answer so far. */
      readonly generatedTokens: number;
    }
  | {
      readonly kind: 'chat-ended';
      readonly ended: 'stop' | 'length' | 'cancelled' | 'failed';
      readonly failure?: Failure;
    }
  | { readonly kind: 'chat-cleared' };
