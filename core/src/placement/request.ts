import type { BackendCapabilities, DeviceProperties } from '../spec/backend.js';
import type { Link } from '../spec/link.js';
import type { CheckpointTensor } from '../spec/model.js';
import type { Plan, PlanRefusal } from '../spec/plan.js';
import type { MemberProgram } from '../spec/program.js';
import type { Range } from '../spec/range.js';
import type { ModelCosts, ShardingConstraints, ShardRequest, StorageChoice } from '../spec/sharding.js';
import type { PlanShape } from './shape.js';

/** A device as its node describes it. */
export interface PlacementDevice {
  /** Name of the backend plugin that opens it. */
  readonly backend: string;
  readonly capabilities: BackendCapabilities;
  readonly properties: DeviceProperties;
}

/** A node as it describes itself. */
export interface PlacementNode {
  readonly nodeId: string;
  readonly nodeName: string;
  /**
   * Equal for nodes on one machine (its boot id, say): their processors share one memory, which must not be counted
   * twice. Absent: the node has a machine to itself.
   */
  readonly machineId?: string;
  /** Cores of its machine, of which each of its processors may use as many as that says; absent: as many as that. */
  readonly machineCoreCount?: number;
  /**
   * What is left of its devices' speed while it is hot, on battery or busy with other programs: above 0; 1 (or absent)
   * is all of it. Memory is not touched. `reason` is for people. Nodes on one machine have the same.
   */
  readonly derating?: { readonly factor: number; readonly reason: string };
  /** Takes no new shares; the reason, for people. */
  readonly cordoned?: string;
  /** In the node's order of preference (that of its plugins); unavailable ones too, so that the plan can say why not. */
  readonly devices: readonly PlacementDevice[];
}

export const placementPolicies = [
  'fastest',
  'smallest-cycle',
  'ring-memory-weighted',
  'weighted-score',
  'manual',
] as const;

export type PolicyName = (typeof placementPolicies)[number];

/**
 * `latency`: one answer as fast as can be. `throughput`: all slots together. `capacity`: as much memory as can be, for long
 * and many conversations.
 */
export const placementObjectives = ['latency', 'throughput', 'capacity'] as const;

export type PlacementObjective = (typeof placementObjectives)[number];

/** A stage as somebody wants it. */
export interface ManualStage {
  readonly members: readonly {
    /** Name or id of a node. */
    readonly node: string;
    /** Id of one of its devices, such as `cuda0`; default: the first that can run the model. */
    readonly device?: string;
    /** Part of the layers beside those of the others; default: by speed. */
    readonly share?: number;
  }[];
  /** From the first to before the last; absent in all of them: as suits memory and speed. */
  readonly layers?: Range;
}

export interface PlacementOptions {
  /** Longest sequence; default: what the model was made for, but at most 4096. */
  readonly contextLength?: number;
  /** Sequences served at once; default 4. */
  readonly slotCount?: number;
  /** Default: as stored. */
  readonly storage?: StorageChoice;
  /** Default f16. */
  readonly stateStorage?: 'f16' | 'f32';
  /** By name (see `placementPolicies`); default `fastest`. */
  readonly policy?: PolicyName;
  /** What `fastest` goes for; default `latency`. */
  readonly objective?: PlacementObjective;
  /** Who takes what, for the policy `manual`. */
  readonly manual?: readonly ManualStage[];
  /** Forces stages × members; absent: the planner chooses. */
  readonly shape?: PlanShape;
  /** Wins between equals, and is the head where it takes part: usually the node that was asked. */
  readonly preferredNodeId?: string;
}

/** A member's program as it will be built on the member's node, too. */
export interface LoweredMember {
  /** SHA-256 in hex. */
  readonly digest: string;
  readonly program: MemberProgram;
}

/** Everything that placement looks at. It reads no clock, no file and no network. */
export interface PlacementRequest {
  readonly model: { readonly name: string; readonly digest: string };
  readonly strategy: { readonly name: string; readonly version: string };
  readonly costs: ModelCosts;
  readonly constraints: (memberCount: number) => ShardingConstraints;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
  readonly nodes: readonly PlacementNode[];
  /** Measured paths between nodes, parallel ones too; absent: nothing is known. */
  readonly links?: readonly Link[];
  readonly options: PlacementOptions;
  /**
   * Writes and lowers the program of one member for a device's backend: the strategy, then core/program. The plan pins
   * its digest, and its weights and states are the exact figures of what the member holds.
   */
  readonly lowerMember: (
    shard: ShardRequest,
    member: number,
    device: PlacementDevice,
    settings: { readonly storage: StorageChoice; readonly contextLength: number },
  ) => LoweredMember;
}

/** Another plan that was looked at. */
export interface ConsideredPlan {
  /** For people: which devices, in what order. */
  readonly description: string;
  readonly millisecondsPerToken: number;
}

export type PlacementResult =
  | { readonly plan: Plan; readonly considered?: readonly ConsideredPlan[] }
  | { readonly refusal: PlanRefusal };
