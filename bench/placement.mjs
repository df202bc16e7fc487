// Claim: planning is not felt: 50 ms for 100 nodes, a second for 1,000. Places a model of Llama 3.1 8B's shape on devices of
// which several are needed, and on devices of which each holds it, in racks of ten with measured links inside a rack and to
// some nodes elsewhere, and prints the median times as JSON, with what they grow by for each doubling of the nodes:
// {"name", "results": [{"case", "devices", "links", "members", "milliseconds", "least"}], "growth"}. `--sizes 100`, `--rounds 9`.
import { parseArgs } from 'node:util';
import { place } from '@shoal/core';
import { memberLowering } from '@shoal/core/internal/worker/member-program.js';
import { llamaStrategy } from '@shoal/sharding-llama';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

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

const bytes = (gibibytes) => ({ value: gibibytes * 1024 ** 3, source: 'operating-system' });
const measured = (value) => ({ value, source: 'measured' });
const rackSize = 10;
const linksElsewhere = 12;

/** Of two sizes and five speeds; processors. */
function nodes(count, gibibytes) {
  return Array.from({ length: count }, (_, index) => {
    const memory = bytes(gibibytes + ((index * 7) % 11) / 11);
    const properties = {
      available: true,
      id: 'cpu',
      kind: 'cpu',
      name: 'a processor',
      memoryTotalBytes: memory,
      memoryAvailableBytes: memory,
      memoryBandwidthBytesPerSecond: measured((20 + ((index * 13) % 5) * 20) * 1e9),
      coreCount: 8,
      features: [],
    };
    return {
      nodeId: `id-${index}`,
      nodeName: `node-${index}`,
      devices: [{ backend: 'cpu', capabilities, properties }],
    };
  });
}

/** Every node has links to its rack, and to some of the others. */
function links(count) {
  const link = (from, to, microseconds, bytesPerSecond) => ({
    from: { nodeId: `id-${from}` },
    to: { nodeId: `id-${to}` },
    kind: 'ethernet',
    latencyMicroseconds: measured(microseconds),
    bandwidthBytesPerSecond: measured(bytesPerSecond),
  });
  return Array.from({ length: count }, (_, from) => {
    const rack = Math.floor(from / rackSize) * rackSize;
    const near = Array.from({ length: rackSize }, (_, offset) => rack + offset).filter(
      (to) => to !== from && to < count,
    );
    const far = Array.from({ length: linksElsewhere }, (_, index) => (from + (index + 1) * 37) % count);
    return [
      ...near.map((to) => link(from, to, 40 + ((from * to) % 7) * 10, 1.2e9)),
      ...far.filter((to) => to !== from).map((to) => link(from, to, 150 + ((from * to) % 11) * 20, 118e6)),
    ];
  }).flat();
}

const contextLength = 1024;
// As a node does it: a stage's program is written once for all its members.
const lower = memberLowering(strategy, { config, tensors }, contextLength);

function request(count, gibibytes) {
  return {
    model: { name: 'llama-3.1-8b', digest: '' },
    strategy: { name: 'llama', version: '0.1.0' },
    costs: strategy.costs(config, tensors),
    constraints: (memberCount) => strategy.constraints(config, memberCount),
    tensors,
    nodes: nodes(count, gibibytes),
    links: links(count),
    options: { contextLength, slotCount: 1 },
    lowerMember: (shard, member, _device, { storage }) => lower(shard, member, storage),
  };
}

const { values: options } = parseArgs({
  options: { sizes: { type: 'string', default: '10,30,100,300,1000' }, rounds: { type: 'string', default: '9' } },
});
const rounds = Number(options.rounds);
const sizes = options.sizes.split(',').map(Number);
const cases = { 'several are needed': 2.2, 'each holds it': 24 };
const results = Object.entries(cases).flatMap(([name, gibibytes]) =>
  sizes.map((devices) => {
    const input = request(devices, gibibytes);
    let plan;
    const times = Array.from({ length: rounds }, () => {
      const started = performance.now();
      const result = place(input);
      if ('refusal' in result) throw new Error(result.refusal.message);
      plan = result.plan;
      return performance.now() - started;
    });
    const milliseconds = Number(median(times).toFixed(1));
    const members = plan.stages.map((stage) => stage.members.length).join('+');
    const least = Number(Math.min(...times).toFixed(1));
    return { case: name, devices, links: input.links.length, members, milliseconds, least };
  }),
);
/** Between the smallest and the largest: 1 would be in proportion to the number of nodes. */
const growth = Object.fromEntries(
  Object.keys(cases).map((name) => {
    const of = results.filter((result) => result.case === name);
    const [least, most] = [of[0], of.at(-1)];
    return [name, round(Math.log(most.milliseconds / least.milliseconds) / Math.log(most.devices / least.devices), 2)];
  }),
);
const targets = { 100: 50, 1000: 1000 };
console.log(JSON.stringify({ name: 'placement', targets, results, growth, machine: machineFacts() }, null, 2));
