// Claim: planning is not felt. Places a model of Llama 3.1 8B's shape on 10, 100 and 1000 devices of which several are
// needed, and prints the median time of each as JSON: {"name", "results": [{"devices", "stages", "milliseconds"}]}.
import { lowerProgram, place, programDigest, propagate } from '@shoal/core';
import { llamaStrategy } from '@shoal/sharding-llama';

const layerCount = 32;
const config = {
  architectures: ['LlamaForCausalLM'],
  num_hidden_layers: layerCount,
  hidden_size: 4096,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  intermediate_size: 14336,
  vocab_size: 128256,
  max_position_embeddings: 8192,
  rms_norm_eps: 1e-5,
  hidden_act: 'silu',
};

function checkpointTensors() {
  const shapes = {
    'model.embed_tokens.weight': [128256, 4096],
    'model.norm.weight': [4096],
    'lm_head.weight': [128256, 4096],
  };
  for (let layer = 0; layer < layerCount; layer += 1) {
    const prefix = `model.layers.${layer}`;
    for (const name of ['input_layernorm', 'post_attention_layernorm']) shapes[`${prefix}.${name}.weight`] = [4096];
    for (const name of ['q_proj', 'o_proj']) shapes[`${prefix}.self_attn.${name}.weight`] = [4096, 4096];
    for (const name of ['k_proj', 'v_proj']) shapes[`${prefix}.self_attn.${name}.weight`] = [1024, 4096];
    for (const name of ['gate_proj', 'up_proj']) shapes[`${prefix}.mlp.${name}.weight`] = [14336, 4096];
    shapes[`${prefix}.mlp.down_proj.weight`] = [4096, 14336];
  }
  return new Map(
    Object.entries(shapes).map(([name, shape]) => {
      const byteLength = shape.reduce((product, size) => product * size, 2);
      return [name, { name, storage: 'bf16', shape, byteLength }];
    }),
  );
}

const tensors = checkpointTensors();
const strategy = llamaStrategy();
const capabilities = {
  operations: ['embedding', 'linear', 'add', 'rms-norm', 'rotary', 'select-outputs', 'attention', 'gated-feed-forward'],
  storageTypes: ['f32', 'f16', 'bf16', 'q8_0', 'q4_0'],
  rowTile: {},
};

/** Between 1.7 and 2.7 GiB each: about ten are needed. */
function nodes(count) {
  return Array.from({ length: count }, (_, index) => {
    const bytes = { value: (1.7 + ((index * 7) % 11) / 11) * 1024 ** 3, source: 'operating-system' };
    const properties = {
      available: true,
      id: 'cpu',
      kind: 'cpu',
      name: 'a processor',
      memoryTotalBytes: bytes,
      memoryAvailableBytes: bytes,
      memoryBandwidthBytesPerSecond: { unknown: 'not measured' },
      features: [],
    };
    return {
      nodeId: `id-${index}`,
      nodeName: `node-${index}`,
      devices: [{ backend: 'cpu', capabilities, properties }],
    };
  });
}

function request(count) {
  return {
    model: { name: 'llama-3.1-8b', digest: '' },
    strategy: { name: 'llama', version: '0.1.0' },
    costs: strategy.costs(config, tensors),
    constraints: (memberCount) => strategy.constraints(config, memberCount),
    tensors,
    nodes: nodes(count),
    options: { contextLength: 1024, slotCount: 1 },
    lowerMember: (shard, member, _device, { storage, contextLength }) => {
      const propagated = propagate(strategy.program(config, tensors, shard, { contextLength }));
      const program = lowerProgram(propagated, member, storage, tensors);
      return { digest: programDigest(program), program };
    },
  };
}

const rounds = 9;
const results = [10, 100, 1000].map((devices) => {
  const input = request(devices);
  let stages = 0;
  const times = Array.from({ length: rounds }, () => {
    const started = performance.now();
    const result = place(input);
    if ('refusal' in result) throw new Error(result.refusal.message);
    stages = result.plan.stages.length;
    return performance.now() - started;
  });
  const median = times.sort((left, right) => left - right)[Math.floor(rounds / 2)];
  return { devices, stages, milliseconds: Number(median.toFixed(1)) };
});
console.log(JSON.stringify({ name: 'placement', results }));
