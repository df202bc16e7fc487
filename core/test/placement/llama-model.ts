import {
  type CheckpointTensor,
  type LoweredMember,
  lowerProgram,
  type ModelConfig,
  type PlacementDevice,
  type PlacementNode,
  type PlacementOptions,
  type PlacementRequest,
  programDigest,
  propagate,
  type ShardingStrategy,
  type ShardRequest,
  type StorageChoice,
} from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';

export const gibibyte = 1024 ** 3;
export const mebibyte = 1024 ** 2;

export interface LlamaShape {
  readonly layers: number;
  readonly hidden: number;
  readonly heads: number;
  readonly keyValueHeads: number;
  readonly headSize: number;
  readonly feedForward: number;
  readonly vocabulary: number;
  readonly tied: boolean;
}

/** Dimensions of Llama 3.1 8B: 8.03 billion parameters, 15 GiB in BF16. */
export const eightBillion: LlamaShape = {
  layers: 32,
  hidden: 4096,
  heads: 32,
  keyValueHeads: 8,
  headSize: 128,
  feedForward: 14336,
  vocabulary: 128256,
  tied: false,
};

/** Dimensions of Llama 3.2 1B: 1.24 billion parameters, tied. */
export const oneBillion: LlamaShape = {
  layers: 16,
  hidden: 2048,
  heads: 32,
  keyValueHeads: 8,
  headSize: 64,
  feedForward: 8192,
  vocabulary: 128256,
  tied: true,
};

export const tiny: LlamaShape = {
  layers: 7,
  hidden: 96,
  heads: 6,
  keyValueHeads: 3,
  headSize: 32,
  feedForward: 192,
  vocabulary: 256,
  tied: false,
};

export interface LlamaModel {
  readonly config: ModelConfig;
  readonly tensors: ReadonlyMap<string, CheckpointTensor>;
}

/** Configuration and tensor list of a checkpoint of that shape; there are no weights. */
export function llamaModel(shape: LlamaShape, storage: 'f32' | 'bf16' = 'bf16'): LlamaModel {
  const { layers, hidden, heads, keyValueHeads, headSize, feedForward, vocabulary, tied } = shape;
  const tensors = new Map<string, CheckpointTensor>();
  const add = (name: string, ...dimensions: number[]): void => {
    const byteLength = dimensions.reduce((product, size) => product * size, storage === 'f32' ? 4 : 2);
    tensors.set(name, { name, storage, shape: dimensions, byteLength });
  };
  add('model.embed_tokens.weight', vocabulary, hidden);
  for (let layer = 0; layer < layers; layer += 1) {
    const prefix = `model.layers.${layer}`;
    add(`${prefix}.input_layernorm.weight`, hidden);
    add(`${prefix}.post_attention_layernorm.weight`, hidden);
    add(`${prefix}.self_attn.q_proj.weight`, heads * headSize, hidden);
    add(`${prefix}.self_attn.k_proj.weight`, keyValueHeads * headSize, hidden);
    add(`${prefix}.self_attn.v_proj.weight`, keyValueHeads * headSize, hidden);
    add(`${prefix}.self_attn.o_proj.weight`, hidden, heads * headSize);
    add(`${prefix}.mlp.gate_proj.weight`, feedForward, hidden);
    add(`${prefix}.mlp.up_proj.weight`, feedForward, hidden);
    add(`${prefix}.mlp.down_proj.weight`, hidden, feedForward);
  }
  add('model.norm.weight', hidden);
  if (!tied) add('lm_head.weight', vocabulary, hidden);
  const config: ModelConfig = {
    architectures: ['LlamaForCausalLM'],
    num_hidden_layers: layers,
    hidden_size: hidden,
    num_attention_heads: heads,
    num_key_value_heads: keyValueHeads,
    head_dim: headSize,
    intermediate_size: feedForward,
    vocab_size: vocabulary,
    tie_word_embeddings: tied,
    max_position_embeddings: 8192,
    rms_norm_eps: 1e-5,
    hidden_act: 'silu',
  };
  return { config, tensors };
}

export const llama: ShardingStrategy = llamaStrategy();

export const cpuCapabilities: PlacementDevice['capabilities'] = {
  operations: [
    'embedding',
    'linear',
    'add',
    'multiply',
    'rms-norm',
    'rotary',
    'select-outputs',
    'zeros',
    'attention',
    'gated-feed-forward',
    'slice',
    'add-vector',
  ],
  storageTypes: ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'],
  rowTile: { f32: 1, f16: 1, bf16: 1, q8_0: 8, q4_0: 8 },
};

export interface DeviceOverrides {
  readonly id?: string;
  readonly kind?: 'cpu' | 'gpu';
  readonly bandwidth?: number;
  readonly cores?: number;
  readonly capabilities?: Partial<PlacementDevice['capabilities']>;
}

export function device(availableBytes: number, overrides: DeviceOverrides = {}): PlacementDevice {
  const { id = 'cpu', kind = 'cpu', bandwidth, cores = 4, capabilities } = overrides;
  return {
    backend: kind === 'cpu' ? 'cpu' : 'cuda',
    capabilities: { ...cpuCapabilities, ...capabilities },
    properties: {
      available: true,
      id,
      kind,
      name: 'a processor',
      memoryTotalBytes: { value: availableBytes, source: 'operating-system' },
      memoryAvailableBytes: { value: availableBytes, source: 'operating-system' },
      memoryBandwidthBytesPerSecond:
        bandwidth === undefined ? { unknown: 'not measured' } : { value: bandwidth, source: 'measured' },
      coreCount: cores,
      features: [],
    },
  };
}

export function node(nodeName: string, ...devices: PlacementDevice[]): PlacementNode {
  return { nodeId: `id-${nodeName}`, nodeName, devices };
}

/** The request that a node would make for the model with the Llama strategy. */
export function requestFor(
  model: LlamaModel,
  nodes: readonly PlacementNode[],
  options: PlacementOptions = {},
): PlacementRequest {
  return {
    model: { name: 'llama', digest: 'd' },
    strategy: { name: 'llama', version: '0.1.0' },
    costs: llama.costs(model.config, model.tensors),
    constraints: (memberCount) => llama.constraints(model.config, memberCount),
    tensors: model.tensors,
    nodes,
    options,
    lowerMember: lowering(model),
  };
}

function lowering({ config, tensors }: LlamaModel): PlacementRequest['lowerMember'] {
  return (
    shard: ShardRequest,
    member: number,
    _device: PlacementDevice,
    { storage, contextLength }: { storage: StorageChoice; contextLength: number },
  ): LoweredMember => {
    const propagated = propagate(llama.program(config, tensors, shard, { contextLength }));
    const program = lowerProgram(propagated, member, storage, tensors);
    return { digest: programDigest(program), program };
  };
}
