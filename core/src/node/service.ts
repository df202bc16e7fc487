/**
 * What a node does for programs. The same interface is served in the node's own process, and over its local socket for
 * programs that attach; the SDK is written against it.
 */

import type { PlanNumbers } from '../placement/explain-numbers.js';
import type { ManualStage, PlacementObjective, PolicyName } from '../placement/request.js';
import type { Api } from '../spec/api.js';
import type { MemberStatistics } from '../spec/engine.js';
import type { ClusterEvent } from '../spec/events.js';
import type { Plan, PlanRefusal } from '../spec/plan.js';
import type { StorageChoice } from '../spec/sharding.js';
import type { ClusterTopology } from '../topology/cluster-topology.js';
import type { AcceptedGeneration, FinishedChoice, GeneratedToken, GenerationOrder } from '../worker/worker-protocol.js';
import type { ClusterState } from './cluster-state.js';
import type { NodeSummary } from './facts.js';
import type { LogRecord } from './log.js';
import type { LogRequest } from './log-service.js';
import type { NodeOperation, NodeOperationOutcome } from './operations.js';
import type { ClusterReadiness, ReadinessHow } from './readiness.js';
import type { WhatIf } from './what-if.js';

/** How a model is loaded; everything has a default. JSON. */
export interface LoadOptions {
  /** Forces stages × members: `pp=2`, `tp=3`, `tp=2,pp=2`. */
  readonly plan?: string;
  /** How devices are chosen; default `fastest`, or `manual` where that is given. */
  readonly policy?: PolicyName;
  /** What `fastest` goes for; default `latency`. */
  readonly objective?: PlacementObjective;
  /** Who takes what: devices and layers by name, in order. */
  readonly manual?: readonly ManualStage[];
  /** Longest sequence, in tokens. */
  readonly contextLength?: number;
  /** Sequences served at once. */
  readonly slotCount?: number;
  /**
   * Answers that may wait beyond those served; default 256. A request beyond that is refused at once with
   * REQUEST_QUEUE_FULL.
   */
  readonly queueCapacity?: number;
  readonly storage?: StorageChoice;
  readonly stateStorage?: 'f16' | 'f32';
  /** The wish of the cluster that it is loaded for. */
  readonly wish?: string;
}

export interface LoadProgress {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly stage: number;
  readonly member: number;
  readonly loadedBytes: number;
  readonly totalBytes: number;
}

export type InstanceState = 'loading' | 'ready' | 'failed' | 'unloaded';

/** A loaded plan, as any node knows it. */
export interface InstanceSummary {
  readonly instance: string;
  readonly epoch: number;
  readonly state: InstanceState;
  /** Name or folder that was asked for. */
  readonly model: string;
  readonly plan: Plan;
  /** Earlier instances whose place it took, the last one first: their names mean this one now. */
  readonly replaces?: readonly string[];
  /** What was asked for; absent: nothing special, or loaded by an older version. */
  readonly options?: LoadOptions;
  /** Why it failed. */
  readonly failure?: { readonly code: string; readonly message: string };
}

/** Counters of one member of an instance. */
export interface MemberReport {
  readonly stage: number;
  readonly member: number;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly statistics: MemberStatistics;
}

/** What loading would do. JSON. */
export interface Explanation {
  readonly outcome: { readonly plan: Plan } | { readonly refusal: PlanRefusal };
  /** The outcome for people. */
  readonly text: string;
  /** What every member needs, what its device has, and what other shapes would need; absent for a refusal. */
  readonly numbers?: PlanNumbers;
  /** The program of every stage with its shard states, for people; empty for a refusal. */
  readonly programs: readonly string[];
}

/** How an instance moves. JSON. */
export interface MoveRequest {
  /** For people: why it moves. */
  readonly reason: string;
  /** Names or ids of nodes that may not take part. */
  readonly without?: readonly string[];
  /** Instead of those that it was loaded with. */
  readonly options?: LoadOptions;
  /** How long running requests may take; default ten minutes. Those that are left are ended. */
  readonly drainDeadlineMilliseconds?: number;
  /**
   * `load-first` needs memory for the old and the new one at once; with `unload-first`, requests wait for the new one. Default:
   * the first where it is possible, else the second.
   */
  readonly sequence?: 'load-first' | 'unload-first' | 'as-memory-allows';
}

export interface MoveOutcome {
  readonly instance: InstanceSummary;
  /** Requests that were cut off at the deadline. */
  readonly endedRequests: number;
}

export type GenerationEvent =
  | ({ readonly kind: 'accepted' } & AcceptedGeneration)
  | ({ readonly kind: 'token' } & GeneratedToken)
  /** One for each choice. */
  | ({ readonly kind: 'finished' } & FinishedChoice);

declare module '../spec/plugin.js' {
  interface PluginKinds {
    api: { host: Api<NodeService>; worker: never };
  }
}

export interface NodeService {
  readonly nodeId: string;
  nodes(signal?: AbortSignal): Promise<readonly NodeSummary[]>;
  /** Instances known to this node or to any node it reaches. */
  instances(signal?: AbortSignal): Promise<readonly InstanceSummary[]>;
  /** Resolves when the instance serves. Rejects with PLAN_*, MODEL_*, NODE_*, ENGINE_*, BACKEND_*, TRANSPORT_* codes. */
  load(
    model: string,
    options: LoadOptions,
    how?: { readonly signal?: AbortSignal | undefined; readonly onProgress?: (progress: LoadProgress) => void },
  ): Promise<InstanceSummary>;
  /** What the cluster agrees on, as this node knows it: its leader, nodes, instances. */
  state(signal?: AbortSignal): Promise<ClusterState>;
  /**
   * Cordons, drains, pauses, renames … a node or an instance of the cluster. Rejects with NODE_NOT_FOUND,
   * INSTANCE_NOT_FOUND, NODE_NOT_DRAINED, NODE_UNREACHABLE, CLUSTER_*.
   */
  operate(operation: NodeOperation, signal?: AbortSignal): Promise<NodeOperationOutcome>;
  unload(instance: string, signal?: AbortSignal): Promise<void>;
  /**
   * Plans and loads an instance anew, sends its requests there, and unloads the old one when the last of its own has ended.
   * The old name goes on being understood. Rejects as `load` does.
   */
  move(instance: string, request: MoveRequest, signal?: AbortSignal): Promise<MoveOutcome>;
  /** `whatIf`: for a cluster that is not. Rejects with PLAN_SHAPE_IMPOSSIBLE, MODEL_*, ARGUMENT_INVALID. */
  explain(model: string, options: LoadOptions, signal?: AbortSignal, whatIf?: WhatIf): Promise<Explanation>;
  /** Ends when every choice is `finished`, or throws what ended it. Leaving the loop cancels the request. */
  generate(instance: string, order: GenerationOrder, signal?: AbortSignal): AsyncIterable<GenerationEvent>;
  /** Counters of all members, by stage and member. Rejects with INSTANCE_NOT_FOUND, INSTANCE_FAILED, NODE_LOST. */
  statistics(instance: string, signal?: AbortSignal): Promise<readonly MemberReport[]>;
  /**
   * Nodes with their devices and interfaces, and the measured links between them. With `fresh`, links whose numbers are older
   * than ten seconds are measured anew first, for a second and a half, or for some seconds where links are long.
   */
  topology(options?: { readonly fresh?: boolean; readonly signal?: AbortSignal | undefined }): Promise<ClusterTopology>;
  /** What every node says of itself, for a look at the whole; `model`: also whether each has it. */
  readiness(model?: string, signal?: AbortSignal, how?: ReadinessHow): Promise<ClusterReadiness>;
  /** What the node, or another one of the cluster, has written down. */
  logs(request: LogRequest, signal: AbortSignal): AsyncIterable<LogRecord>;
  /** Events from now on, until the signal aborts. */
  watch(signal: AbortSignal): AsyncIterable<ClusterEvent>;
}
