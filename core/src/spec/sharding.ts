import type { CheckpointTensor, ModelConfig } from './model.js';
import type { Program, StorageType } from './program.js';
import type { Range } from './range.js';

/** An axis along which a stage may be cut between its members. */
export interface CutAxis {
  /** For example `kv-heads`, `feed-forward`, `vocabulary`, `experts`. */
  readonly name: string;
  /** Units on the axis. */
  readonly size: number;
  /** Checkpoint rows or columns per unit: with a storage block or a backend's row tile, units are grouped to fit. */
  readonly elementsPerUnit: number;
  /** Cuts fall on multiples of this many units (the family's own rule). */
  readonly granularity: number;
  /**
   * Units per group that share something of `elementsPerUnit` elements (query heads that share one key-value head). A
   * member's range is then whole groups; where members outnumber groups, it lies inside one group, whose shared part is
   * held by several members.
   */
  readonly groupSize?: number;
}

export interface ShardingConstraints {
  readonly layerCount: number;
  readonly axes: readonly CutAxis[];
  /** Most members of one stage, with the rule that sets it, for people. */
  readonly maximumMembers: number;
  readonly maximumMembersReason: string;
}

/** Costs of one layer (or of an end) of the whole model, before any cut. */
export interface LayerCosts {
  /** Elements of matrices and embeddings (their bytes depend on storage). */
  readonly matrixElements: number;
  /** Elements always kept in F32. */
  readonly vectorElements: number;
  /** Floating-point operations per token, attention over the context not counted. */
  readonly flopsPerToken: number;
  /** State elements per token of context. */
  readonly stateElementsPerToken: number;
  /** State elements per sequence, whatever its length. */
  readonly stateElementsPerSequence: number;
}

export interface ModelCosts {
  readonly layers: readonly LayerCosts[];
  readonly embedding: LayerCosts;
  readonly head: LayerCosts;
  readonly hiddenWidth: number;
  readonly vocabularySize: number;
  /** Positions the model was made for. */
  readonly maximumContextLength: number;
}

/** The part of a model that one stage holds, and how its members share it. */
export interface ShardRequest {
  readonly layers: Range;
  /** The first stage looks up embeddings; the last one computes logits. */
  readonly hasEmbedding: boolean;
  readonly hasHead: boolean;
  readonly memberCount: number;
  /** For each axis of the constraints, one range per member; together they cover the axis, in order. */
  readonly cuts: Readonly<Record<string, readonly Range[]>>;
}

/** Options that change what a program computes with; the same on every member. */
export interface ShardingOptions {
  /** Longest sequence that will be served: decides dynamic rope scaling and yarn at load time. */
  readonly contextLength?: number;
}

/** Says how a family of models may be cut, and writes its computation as programs. Pure: no I/O, no state. */
export interface ShardingStrategy {
  /** `architectures` of config.json that it covers, for listings. */
  readonly architectures: readonly string[];
  /**
   * Undefined when supported, else the reason, for people. Throws MODEL_CONFIG_INVALID where the architecture is covered, but
   * a field of it is missing or impossible.
   */
  unsupportedReason(config: ModelConfig): string | undefined;
  costs(config: ModelConfig, tensors: ReadonlyMap<string, CheckpointTensor>): ModelCosts;
  constraints(config: ModelConfig, memberCount: number): ShardingConstraints;
  /** Throws PROGRAM_* errors when the request breaks the constraints. */
  program(
    config: ModelConfig,
    tensors: ReadonlyMap<string, CheckpointTensor>,
    request: ShardRequest,
    options: ShardingOptions,
  ): Program;
}

/** Storage by weight role; what a plan pins. `as-stored` keeps the checkpoint's type where the backend runs it. */
export interface StorageChoice {
  readonly matrix: StorageType | 'as-stored';
  readonly embedding: StorageType | 'as-stored';
}
