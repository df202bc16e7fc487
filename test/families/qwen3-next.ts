import {
  configFlag,
  configNumber,
  configSize,
  type ModelConfig,
  type ShardingStrategy,
  splitWeight,
  type WeightExpression,
} from '@shoal/core';
import { decoderStrategy, type LayerWriter } from './decoder.js';
import { groupedQueryAttention, headsAxis, keyValueCuts } from './grouped-query.js';
import { denseFeedForward, expertsAxis, routedExperts } from './mixture.js';

/** A unit is a key head of linear attention with the value heads that it serves. */
const linearHeadsCut = 'linear-heads';
const sharedCut = 'shared-feed-forward';

interface LinearDimensions {
  readonly keyHeads: number;
  readonly keySize: number;
  readonly valueSize: number;
  readonly valuesPerKey: number;
  readonly kernel: number;
}

function linearDimensions(config: ModelConfig): LinearDimensions {
  const keyHeads = configSize(config, 'linear_num_key_heads');
  return {
    keyHeads,
    keySize: configSize(config, 'linear_key_head_dim'),
    valueSize: configSize(config, 'linear_value_head_dim'),
    valuesPerKey: configSize(config, 'linear_num_value_heads') / keyHeads,
    kernel: configSize(config, 'linear_conv_kernel_dim'),
  };
}

/** Slices of a projection whose rows lie key head by key head; `sizes` columns of each go to the names in turn. */
function sliceHeads(writer: LayerWriter, input: string, sizes: Readonly<Record<string, number>>): void {
  const groupSize = Object.values(sizes).reduce((sum, size) => sum + size, 0);
  let from = 0;
  for (const [name, size] of Object.entries(sizes)) {
    writer.builder.add({ op: 'slice', input, from, to: from + size, groupSize, output: writer.name(name) });
    from += size;
  }
}

/** Short convolutions over time. One tensor holds the kernels of queries, keys and values, one after the other. */
function convolve(writer: LayerWriter, dimensions: LinearDimensions): void {
  const { builder, layer } = writer;
  const { keyHeads, keySize, valueSize, valuesPerKey, kernel } = dimensions;
  const units = { query: keySize, key: keySize, value: valuesPerKey * valueSize };
  const columns = keyHeads * (2 * keySize + valuesPerKey * valueSize);
  const kernels: WeightExpression = {
    kind: 'reshape',
    input: writer.tensor('linear_attn.conv1d.weight'),
    shape: [columns, kernel],
  };
  let from = 0;
  for (const [part, unit] of Object.entries(units)) {
    const size = keyHeads * unit;
    const name = `${part}-convolved`;
    builder.add({
      op: 'causal-convolution',
      input: writer.name(part),
      weight: writer.weight(
        name,
        'vector',
        splitWeight(0, linearHeadsCut, unit),
        builder.slice(kernels, 0, [from, from + size]),
      ),
      activation: 'silu',
      state: builder.state(writer.name(`${part}-recent`), {
        kind: 'recurrent',
        layer,
        shape: [kernel - 1, size],
        shard: { kind: 'split', axis: 1, cut: linearHeadsCut, unit },
      }),
      output: writer.name(name),
    });
    from += size;
  }
}

/** log decay = −exp(A_log) · softplus(a + dt_bias); rate = sigmoid(b). */
function decayAndRate(writer: LayerWriter, { valuesPerKey }: LinearDimensions): void {
  const { builder } = writer;
  const perHead = splitWeight(0, linearHeadsCut, valuesPerKey);
  builder.add({
    op: 'elementwise',
    function: 'sigmoid',
    input: writer.name('rate-logit'),
    output: writer.name('rate'),
  });
  builder.add({
    op: 'add-vector',
    input: writer.name('time-step'),
    weight: writer.weight('linear_attn.dt_bias', 'vector', perHead),
    output: writer.name('time-step-biased'),
  });
  builder.add(
    {
      op: 'elementwise',
      function: 'softplus',
      input: writer.name('time-step-biased'),
      output: writer.name('time-step-positive'),
    },
    {
      op: 'broadcast',
      weight: writer.weight('linear_attn.A_log', 'vector', perHead),
      output: writer.name('log-speed'),
    },
    { op: 'elementwise', function: 'exp', input: writer.name('log-speed'), output: writer.name('speed') },
    {
      op: 'multiply',
      left: writer.name('time-step-positive'),
      right: writer.name('speed'),
      output: writer.name('decay-amount'),
    },
    { op: 'elementwise', function: 'negate', input: writer.name('decay-amount'), output: writer.name('log-decay') },
  );
}

function linearAttention(writer: LayerWriter, input: string): string {
  const { builder, config, layer } = writer;
  const dimensions = linearDimensions(config);
  const { keyHeads, keySize, valueSize, valuesPerKey } = dimensions;
  const valueUnit = valuesPerKey * valueSize;
  const project = (part: string, unit: number): string =>
    writer.linear(`linear_attn.${part}`, input, splitWeight(0, linearHeadsCut, unit));
  sliceHeads(writer, project('in_proj_qkvz', 2 * keySize + 2 * valueUnit), {
    query: keySize,
    key: keySize,
    value: valueUnit,
    gate: valueUnit,
  });
  sliceHeads(writer, project('in_proj_ba', 2 * valuesPerKey), {
    'rate-logit': valuesPerKey,
    'time-step': valuesPerKey,
  });
  convolve(writer, dimensions);
  decayAndRate(writer, dimensions);
  builder.add({
    op: 'gated-linear-attention',
    query: writer.name('query-convolved'),
    key: writer.name('key-convolved'),
    value: writer.name('value-convolved'),
    logDecay: writer.name('log-decay'),
    rate: writer.name('rate'),
    state: builder.state(writer.name('memory'), {
      kind: 'recurrent',
      layer,
      shape: [keyHeads * valuesPerKey, keySize, valueSize],
      shard: { kind: 'split', axis: 0, cut: linearHeadsCut, unit: valuesPerKey },
    }),
    keySize,
    valueSize,
    scale: 1 / Math.sqrt(keySize),
    normalizeEpsilon: 1e-6,
    output: writer.name('recalled'),
  });
  // This norm's weight has no offset, unlike the others of the family.
  builder.add(
    {
      op: 'rms-norm',
      input: writer.name('recalled'),
      weight: writer.weight('linear_attn.norm.weight', 'vector'),
      epsilon: configNumber(config, 'rms_norm_eps'),
      groupSize: valueSize,
      output: writer.name('recalled-normalized'),
    },
    { op: 'elementwise', function: 'silu', input: writer.name('gate'), output: writer.name('gate-open') },
    {
      op: 'multiply',
      left: writer.name('recalled-normalized'),
      right: writer.name('gate-open'),
      output: writer.name('recalled-gated'),
    },
  );
  return writer.linear(
    'linear_attn.out_proj',
    writer.name('recalled-gated'),
    splitWeight(1, linearHeadsCut, valueUnit),
  );
}

function mixture(writer: LayerWriter, input: string): string {
  const { builder, config } = writer;
  const experts = routedExperts(writer, input, {
    scoring: 'softmax',
    normalize: configFlag(config, 'norm_topk_prob', true),
    factor: 1,
  });
  const shared = denseFeedForward(writer, 'mlp.shared_expert', input, sharedCut);
  const gate = writer.linear('mlp.shared_expert_gate', input, { kind: 'replicated' });
  builder.add(
    { op: 'elementwise', function: 'sigmoid', input: gate, output: writer.name('shared-gate-open') },
    {
      op: 'multiply-groups',
      input: shared,
      factors: writer.name('shared-gate-open'),
      groupSize: configSize(config, 'hidden_size'),
      output: writer.name('shared-gated'),
    },
    { op: 'add', left: experts, right: writer.name('shared-gated'), output: writer.name('mixture') },
  );
  return writer.name('mixture');
}

/** Qwen3-Next: gated delta rule in most layers, gated attention in the others, experts with a gated shared expert. */
export function qwen3Next(): ShardingStrategy {
  return decoderStrategy({
    name: 'qwen3-next',
    architecture: 'Qwen3NextForCausalLM',
    normOffset: 1,
    axes: (config) => [
      headsAxis(config),
      {
        name: linearHeadsCut,
        size: linearDimensions(config).keyHeads,
        elementsPerUnit: linearDimensions(config).valueSize,
        granularity: 1,
      },
      {
        name: sharedCut,
        size: configSize(config, 'shared_expert_intermediate_size'),
        elementsPerUnit: 1,
        granularity: 1,
      },
      expertsAxis(config),
    ],
    derivedCuts: keyValueCuts,
    layer(writer, hidden) {
      const { builder, config, layer } = writer;
      const isLinear = (config.layer_types as readonly string[])[layer] === 'linear_attention';
      const normalized = writer.norm('input_layernorm', hidden);
      const attention = isLinear
        ? linearAttention(writer, normalized)
        : groupedQueryAttention(writer, normalized, { headNorms: true, gated: true });
      const afterAttention = writer.name('after-attention');
      builder.add({ op: 'add', left: hidden, right: attention, output: afterAttention });
      const experts = mixture(writer, writer.norm('post_attention_layernorm', afterAttention));
      builder.add({ op: 'add', left: afterAttention, right: experts, output: writer.name('output') });
      return writer.name('output');
    },
  });
}
