/**
 * What the dashboard knows of the cluster: plain data that JSON can carry, changed by `apply` alone. All text in it has been
 * cleaned, all lists are bounded, and every number is known or has a reason why it is not.
 */
import type { LinkKind, NodeSummary } from '@shoal/core';
import type { Figure, Known } from './figure.js';
import type { InstanceHistory, NodeHistory } from './history.js';
import type { ExplanationState, PlanState } from './plan-state.js';

export interface DashboardState {
  /** Milliseconds since 1970 of the last update; 0: there was none. */
  readonly at: number;
  readonly connection: ConnectionState;
  /** The node that the dashboard is attached to; '' before the first answer. */
  readonly selfNodeId: string;
  readonly leader?: { readonly nodeId: string; readonly term: number; readonly isCampaigning: boolean };
  /** By name, then id. */
  readonly nodes: readonly NodeState[];
  /** Directed, parallel ones too; by their ends. */
  readonly links: readonly LinkState[];
  /** Paths that were tried in vain. */
  readonly failedLinks: readonly FailedLinkState[];
  /** By model, then id. */
  readonly instances: readonly InstanceState[];
  /** Models that the cluster keeps loaded. */
  readonly wishes: readonly { readonly wish: string; readonly model: string }[];
  /** Running ones and those that ended lately, the newest first. */
  readonly requests: readonly RequestState[];
  /** What the libraries of the attached machine hold, by name. */
  readonly models: readonly ModelState[];
  /** What `explain` said, the newest first; one for each question. */
  readonly explanations: readonly ExplanationState[];
  /** The oldest first. */
  readonly events: readonly EventState[];
  /** How many events there were, with those that are kept no more. */
  readonly seenEvents: number;
  readonly chat: ChatState;
}

export type ConnectionState =
  | { readonly phase: 'connecting'; readonly since: number; readonly attempt: number }
  | { readonly phase: 'attached'; readonly since: number }
  /** What is shown is from before `since`; it is being tried again. */
  | { readonly phase: 'lost'; readonly since: number; readonly attempt: number; readonly reason: string };

/** As in `NodeSummary`; `gone`: it said goodbye, or is not listed any more. */
export type NodePresence = NodeSummary['state'] | 'gone';

export interface NodeState {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly addresses: readonly string[];
  readonly presence: NodePresence;
  /** Milliseconds since 1970 at which it was first missed; absent: it is there. */
  readonly goneAt?: number;
  readonly isLeader: boolean;
  /** Why it takes no new shares. */
  readonly cordoned?: string;
  readonly draining?: { readonly remainingInstances: number };
  /** Why its instances take no new requests. */
  readonly paused?: string;
  /** Why it is refused or unreachable, or what is not as it should be. */
  readonly code?: string;
  readonly message?: string;
  /** Equal for nodes on one machine. */
  readonly machineId?: string;
  readonly processorName: Known<string>;
  readonly cores: Figure;
  readonly memoryTotalBytes: Figure;
  readonly memoryAvailableBytes: Figure;
  readonly devices: readonly DeviceState[];
  readonly conditions: ConditionsState;
  /** What plans count on of its speed, and why; absent: all of it. */
  readonly derating?: { readonly factor: number; readonly reason: string };
  /** Why nothing more is known of it. */
  readonly silent?: string;
  readonly history: NodeHistory;
}

export interface DeviceState {
  readonly backend: string;
  readonly deviceId: string;
  readonly kind: string;
  readonly name: string;
  /** Why it cannot be used. */
  readonly unavailable?: string;
  readonly memoryTotalBytes: Figure;
  readonly memoryAvailableBytes: Figure;
  readonly memoryBandwidthBytesPerSecond: Figure;
  readonly temperatureCelsius: Figure;
  readonly powerWatts: Figure;
}

export interface ConditionsState {
  /** Milliseconds since 1970; 0: never. */
  readonly readAt: number;
  /** Share of all cores that others keep busy: 0 to 1. */
  readonly loadByOthers: Figure;
  /** The same of the node's own work. */
  readonly loadByNode: Figure;
  readonly temperatureCelsius: Figure;
  readonly temperatureLimitCelsius: Figure;
  readonly throttled: Known<boolean>;
  readonly powerWatts: Figure;
  readonly battery: Known<BatteryState>;
}

export type BatteryState =
  | { readonly present: false }
  | { readonly present: true; readonly discharging: boolean; readonly chargePercent: Figure };

export interface LinkState {
  readonly fromNodeId: string;
  readonly toNodeId: string;
  readonly interfaceName?: string;
  readonly kind: LinkKind;
  readonly latencyMicroseconds: Figure;
  readonly bandwidthBytesPerSecond: Figure;
  readonly measuredAt?: number;
}

export interface FailedLinkState {
  readonly fromNodeId: string;
  readonly toNodeId: string;
  readonly kind: LinkKind;
  readonly reason: string;
}

export interface InstanceState {
  readonly instance: string;
  readonly epoch: number;
  readonly state: 'loading' | 'ready' | 'failed' | 'unloaded';
  readonly modelName: string;
  readonly plan: PlanState;
  readonly failure?: { readonly code: string; readonly message: string };
  /** Why it takes no new requests. */
  readonly paused?: string;
  /** Why it does not move away from nodes that are drained. */
  readonly stuck?: string;
  readonly wish?: string;
  /** While it loads: all its members together. */
  readonly loading?: LoadingState;
  /** By stage, then member; empty before the first counters came. */
  readonly members: readonly MemberState[];
  readonly waitingRequests: Figure;
  readonly residentSlots: Figure;
  /** Of all its requests, between the last two looks. */
  readonly tokensPerSecond: Figure;
  readonly history: InstanceHistory;
}

export interface LoadingState {
  readonly loadedBytes: number;
  readonly totalBytes: number;
  /** By node. */
  readonly nodes: Readonly<Record<string, { readonly loadedBytes: number; readonly totalBytes: number }>>;
}

/** A member's counters since it was loaded, and what they grew by between the last two looks. */
export interface MemberState {
  readonly stage: number;
  readonly member: number;
  readonly nodeId: string;
  readonly nodeName: string;
  readonly counters: MemberCounters;
  /** Milliseconds since 1970 at which they were read. */
  readonly readAt: number;
  /** Means over the steps between the last two looks at which there were any. */
  readonly perStep: StepTimes;
  readonly stepsPerSecond: Figure;
  readonly sentBytesPerSecond: Figure;
  readonly receivedBytesPerSecond: Figure;
}

export interface MemberCounters {
  readonly steps: number;
  /** Of all answers; the head counts them. Absent: another member, or an older version. */
  readonly generatedTokens?: number;
  readonly computeMicroseconds: number;
  readonly waitMicroseconds: number;
  readonly wireMicroseconds: number;
  readonly wireBytesSent: number;
  readonly wireBytesReceived: number;
}

/** Where a step's time goes at one member. */
export interface StepTimes {
  readonly computeMilliseconds: Figure;
  readonly wireMilliseconds: Figure;
  readonly waitMilliseconds: Figure;
}

export type RequestPhase = 'queued' | 'reading' | 'answering' | 'finished' | 'cancelled' | 'failed';

export interface RequestState {
  /** Unique in the cluster. */
  readonly request: string;
  readonly instance: string;
  readonly modelName: string;
  readonly headNodeName: string;
  readonly phase: RequestPhase;
  /** Milliseconds since 1970. */
  readonly startedAt: number;
  readonly endedAt?: number;
  /** Why it ended: `stop`, `length`, or the code of an error. */
  readonly outcome?: string;
  readonly promptTokens: Figure;
  readonly generatedTokens: Figure;
  /** Until it had a slot, or until now. */
  readonly queueMilliseconds: Figure;
  /** From the request to its first token. */
  readonly timeToFirstTokenMilliseconds: Figure;
  readonly tokensPerSecond: Figure;
  /** Where time went, member by member, in the steps that ran meanwhile; empty before there were any. */
  readonly hops: readonly HopState[];
}

/** Sums over steps; divided by `steps` they are those of a token. Steps count by how long the request ran beside them. */
export interface HopState {
  readonly stage: number;
  readonly member: number;
  readonly nodeName: string;
  readonly steps: number;
  readonly computeMilliseconds: number;
  readonly wireMilliseconds: number;
  readonly waitMilliseconds: number;
}

/** A model of a library. */
export interface ModelState {
  readonly name: string;
  readonly architecture: string;
  readonly weightBytes: Figure;
  /** Why it cannot be used. */
  readonly problem?: { readonly code: string; readonly message: string };
}

export type EventLevel = 'debug' | 'info' | 'warn' | 'error';

export interface EventState {
  /** Counts all events that the dashboard saw. */
  readonly sequence: number;
  /** Milliseconds since 1970. */
  readonly at: number;
  readonly level: EventLevel;
  /** The kind of an event (`node-lost`), or the area of a log record (`worker`). */
  readonly kind: string;
  readonly nodeName: string;
  readonly message: string;
  readonly code?: string;
}

export interface ChatState {
  /** The instance that answers; absent: the first that is ready. */
  readonly instance?: string;
  readonly phase: 'idle' | 'waiting' | 'answering';
  /** The oldest first. */
  readonly messages: readonly ChatMessageState[];
}

export interface ChatMessageState {
  readonly role: 'user' | 'assistant' | 'system';
  readonly text: string;
  /** What the model thought before it answered. */
  readonly reasoning: string;
  readonly at: number;
  readonly modelName: string;
  /** How an answer ended; absent: it goes on. */
  readonly ended?: 'stop' | 'length' | 'cancelled' | 'failed';
  readonly failure?: { readonly code: string; readonly message: string };
  readonly generatedTokens: Figure;
  readonly timeToFirstTokenMilliseconds: Figure;
  readonly tokensPerSecond: Figure;
}
