import { cutsFor, lowerProgram, type ModelConfig, propagate, type Range, ShoalError } from '@shoal/core';
import plugin, { llamaStrategy } from '@shoal/sharding-llama';
import workerPlugin from '@shoal/sharding-llama/worker';
import t from 'tap';

const config: ModelConfig = {
  architectures: ['LlamaForCausalLM'],
  hidden_size: 64,
  num_hidden_layers: 4,
  num_attention_heads: 8,
  num_key_value_heads: 2,
  intermediate_size: 96,
  vocab_size: 100,
  max_position_embeddings: 128,
  rms_norm_eps: 1e-5,
};

/** Tensors of the configuration, in F32. */
function tensorsOf(of: ModelConfig) {
  const heads = of.num_attention_heads as number;
  const headSize = (of.head_dim as number | undefined) ?? 64 / heads;
  const queryWidth = heads * headSize;
  const keyWidth = ((of.num_key_value_heads as number | undefined) ?? heads) * headSize;
  const shapes: Record<string, number[]> = {
    'model.embed_tokens.weight': [100, 64],
    'model.norm.weight': [64],
    'lm_head.weight': [100, 64],
  };
  for (let layer = 0; layer < 4; layer += 1) {
    const parts: Record<string, number[]> = {
      input_layernorm: [64],
      post_attention_layernorm: [64],
      'self_attn.q_proj': [queryWidth, 64],
      'self_attn.k_proj': [keyWidth, 64],
      'self_attn.v_proj': [keyWidth, 64],
      'self_attn.o_proj': [64, queryWidth],
      'mlp.gate_proj': [96, 64],
      'mlp.up_proj': [96, 64],
      'mlp.down_proj': [64, 96],
    };
    for (const [part, shape] of Object.entries(parts)) shapes[`model.layers.${layer}.${part}.weight`] = shape;
  }
  return new Map(
    Object.entries(shapes).map(([name, shape]) => [
      name,
      { name, storage: 'f32', shape, byteLength: shape.reduce((a, b) => a * b, 4) },
    ]),
  );
}

const whole = (of: ModelConfig, memberCount: number, shares: readonly number[]) => ({
  layers: [0, 4] as Range,
  hasEmbedding: true,
  hasHead: true,
  memberCount,
  cuts: cutsFor(llamaStrategy().constraints(of, memberCount), shares),
});

t.test('what is supported, and why not', async (test) => {
  const reason = (change: object): string | undefined => llamaStrategy().unsupportedReason({ ...config, ...change });
  test.equal(reason({}), undefined);
  test.equal(reason({ architectures: ['MistralForCausalLM'] }), undefined);
  test.match(reason({ architectures: ['GPT2LMHeadModel'] }), /GPT2LMHeadModel is not one of LlamaForCausalLM/);
  test.match(reason({ architectures: undefined }), /\(none\)/);
  test.match(reason({ hidden_act: 'toString' }), /activation "toString"/);
  test.match(reason({ quantization_config: { bits: 4 } }), /quantized/);
  test.match(reason({ rope_scaling: { type: 'spiral', factor: 2 } }), /'spiral'/);
  const invalid = (change: object, message: RegExp) =>
    test.throws(() => reason(change), { code: 'MODEL_CONFIG_INVALID', message });
  invalid({ num_key_value_heads: 3 }, /8 attention heads cannot share 3/);
  invalid({ hidden_size: 1e12 }, /'hidden_size' is 1000000000000, expected at most 2147483647/);
  invalid({ num_hidden_layers: '4' }, /'num_hidden_layers' is "4", expected a positive integer/);
  invalid({ num_hidden_layers: 2 ** 40 }, /'num_hidden_layers' is 1099511627776, expected at most 16384/);
  invalid({ num_hidden_layers: 2 ** 31 - 1 }, /at most 16384/);
  invalid({ num_hidden_layers: 0 }, /expected a positive integer/);
});

t.test('costs count what the checkpoint holds', async (test) => {
  const costs = llamaStrategy().costs(config, new Map());
  let matrices = 0;
  let vectors = 0;
  for (const [name, { shape }] of tensorsOf(config)) {
    if (!name.startsWith('model.layers.2.')) continue;
    if (shape.length === 2) matrices += shape.reduce((a, b) => a * b);
    else vectors += shape[0] as number;
  }
  test.equal(costs.layers.length, 4);
  test.match(costs.layers[2], {
    matrixElements: matrices,
    vectorElements: vectors,
    flopsPerToken: 2 * matrices,
    stateElementsPerToken: 2 * 2 * 8,
  });
  test.match(costs.head, { matrixElements: 6400, vectorElements: 64 });
});

t.test('key-value heads are shared where there are fewer than members', async (test) => {
  const program = llamaStrategy().program(config, tensorsOf(config), whole(config, 3, [1, 1, 1]), {});
  test.same(program.cuts['attention-heads'], [
    [0, 4],
    [4, 6],
    [6, 8],
  ]);
  test.same(program.cuts['key-value-heads'], [
    [0, 1],
    [1, 2],
    [1, 2],
  ]);
  test.doesNotThrow(() => propagate(program));
});

t.test('two sums a layer', async (test) => {
  const { schedule } = propagate(llamaStrategy().program(config, tensorsOf(config), whole(config, 2, [1, 1]), {}));
  const kinds = schedule.filter(({ kind }) => kind !== 'operation').map(({ kind }) => kind);
  test.same(
    kinds,
    Array.from({ length: 8 }, () => 'all-reduce-sum'),
  );
});

t.test('tied embeddings are one weight where both ends are whole', async (test) => {
  const tied = { ...config, tie_word_embeddings: true };
  const weightsOf = (shares: readonly number[]) =>
    llamaStrategy().program(tied, tensorsOf(tied), whole(tied, shares.length, shares), {}).weights;
  test.notOk('output' in weightsOf([1]));
  test.match(weightsOf([1, 1]).output, {
    source: { name: 'model.embed_tokens.weight' },
    shard: { kind: 'split', cut: 'vocabulary' },
  });
});

t.test('a window is Mistral’s alone', async (test) => {
  const windowed = { ...config, sliding_window: 16 };
  const windowOf = (of: ModelConfig) =>
    llamaStrategy().program(of, tensorsOf(of), whole(of, 1, [1]), {}).states['layer0.key-values'];
  test.match(windowOf({ ...windowed, architectures: ['MistralForCausalLM'] }), { window: 16 });
  test.notOk('window' in (windowOf(windowed) ?? {}));
});

t.test('fields that are null or absent mean what they mean in transformers', async (test) => {
  const windowOf = (change: object) => {
    const of = { ...config, architectures: ['MistralForCausalLM'], ...change };
    return llamaStrategy().program(of, tensorsOf(of), whole(of, 1, [1]), {}).states['layer0.key-values'];
  };
  test.match(windowOf({}), { window: 4096 });
  test.notOk('window' in (windowOf({ sliding_window: null }) ?? {}));
  const reason = (change: object): string | undefined => llamaStrategy().unsupportedReason({ ...config, ...change });
  const nothing = { head_dim: null, rope_scaling: null, rope_parameters: null, quantization_config: null };
  test.equal(reason({ ...nothing, num_key_value_heads: null, attention_bias: null, mlp_bias: null }), undefined);
  test.equal(reason({ quantization_config: { quant_method: 'shoal' } }), undefined);
  test.match(reason({ quantization_config: { quant_method: 'awq' } }), /quantized by awq/);
  const { num_key_value_heads: _, ...withoutHeads } = config;
  const constraints = (of: ModelConfig) => llamaStrategy().constraints(of, 1).axes[0];
  test.notOk('groupSize' in (constraints(withoutHeads) ?? {}));
  test.match(constraints({ ...withoutHeads, architectures: ['MistralForCausalLM'], num_attention_heads: 16 }), {
    groupSize: 2,
  });
});

t.test('tensors that contradict the configuration are refused with both shapes', async (test) => {
  for (const [name, shape] of [
    ['model.embed_tokens.weight', [99, 64]],
    ['model.layers.1.self_attn.k_proj.weight', [64, 64]],
    ['model.layers.2.self_attn.o_proj.weight', [64, 32]],
    ['model.layers.0.mlp.down_proj.weight', [96, 64]],
    ['model.layers.3.input_layernorm.weight', [32]],
    ['model.norm.weight', [64, 1]],
    ['lm_head.weight', [100, 63]],
  ] as const) {
    const tensors = tensorsOf(config);
    tensors.set(name, { name, storage: 'f32', shape: [...shape], byteLength: 0 });
    test.throws(() => llamaStrategy().program(config, tensors, whole(config, 1, [1]), {}), {
      code: 'MODEL_TENSOR_SHAPE',
      message: new RegExp(`${name.replaceAll('.', '\\.')}' has shape \\[${shape.join(', ')}\\], config\\.json says`),
    });
  }
});

t.test('types that are no floating point are refused by name', async (test) => {
  const tensors = tensorsOf(config);
  const name = 'model.layers.1.mlp.up_proj.weight';
  for (const storage of ['F8_E4M3', 'I8', 'U8', 'iq2_xxs']) {
    tensors.set(name, { name, storage, shape: [96, 64], byteLength: 0 });
    const propagated = propagate(llamaStrategy().program(config, tensors, whole(config, 1, [1]), {}));
    const choice = { matrix: 'f16', embedding: 'f16' } as const;
    test.throws(() => lowerProgram(propagated, 0, choice, tensors), {
      code: 'MODEL_STORAGE_UNSUPPORTED',
      message: new RegExp(`up_proj.*${storage}`),
    });
  }
});

t.test('heads larger than the hidden width divides', async (test) => {
  const wide = { ...config, head_dim: 16 };
  const { states } = llamaStrategy().program(wide, tensorsOf(wide), whole(wide, 2, [3, 1]), {});
  test.match(states['layer0.key-values'], { keyWidth: 32 });
});

t.test('requests that break the rules are refused', async (test) => {
  const attempt = (change: object) => () =>
    propagate(llamaStrategy().program(config, tensorsOf(config), { ...whole(config, 2, [1, 1]), ...change }, {}));
  test.throws(attempt({ cuts: {} }), { code: 'PROGRAM_CUT_INVALID', message: /'attention-heads' has no ranges/ });
  test.throws(attempt({ layers: [0, 9] }), { code: 'PROGRAM_CUT_INVALID', message: /layers 0 to 9 of a model of 4/ });
  const straddling = {
    ...whole(config, 2, [1, 1]).cuts,
    'attention-heads': [
      [0, 3],
      [3, 8],
    ],
  };
  test.throws(attempt({ cuts: straddling }), {
    code: 'PROGRAM_SHARD_STATE',
    message: /member 1 has query heads \[3, 8\)/,
  });
  const incomplete = {
    ...whole(config, 2, [1, 1]).cuts,
    'feed-forward': [
      [0, 40],
      [50, 96],
    ],
  };
  test.throws(attempt({ cuts: incomplete }), { code: 'PROGRAM_CUT_INVALID', message: /do not cover exactly 96 units/ });
});

t.test('a checkpoint without a tensor is refused by name', async (test) => {
  const tensors = tensorsOf(config);
  tensors.delete('model.layers.1.mlp.up_proj.weight');
  try {
    llamaStrategy().program(config, tensors, whole(config, 1, [1]), {});
    test.fail('accepted');
  } catch (error) {
    test.ok(ShoalError.is(error));
    test.match(error, { code: 'MODEL_TENSOR_MISSING', message: /model\.layers\.1\.mlp\.up_proj\.weight/ });
  }
});

t.test('both halves are plugin modules of the same strategy', async (test) => {
  for (const half of [plugin, workerPlugin]) test.match(half, { kind: 'sharding', name: 'llama' });
});
