// A checkpoint as wide as Llama-3.2-1B, so that its activations have that size, and thin in all else, so that what a link
// adds to a token can be seen beside the computing: two layers, a small vocabulary, random weights.
import { closeSync, mkdtempSync, openSync, rmSync, writeFileSync, writeSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

export const hiddenSize = 2048;
const config = {
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 1024,
  hidden_size: hiddenSize,
  num_hidden_layers: 2,
  num_attention_heads: 16,
  num_key_value_heads: 4,
  head_dim: 32,
  intermediate_size: 1024,
  max_position_embeddings: 2048,
  hidden_act: 'silu',
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
};

function* tensors() {
  const { vocab_size: vocabulary, hidden_size: hidden, intermediate_size: inner } = config;
  const queries = config.num_attention_heads * config.head_dim;
  const keys = config.num_key_value_heads * config.head_dim;
  yield ['model.embed_tokens.weight', [vocabulary, hidden]];
  yield ['model.norm.weight', [hidden]];
  for (let layer = 0; layer < config.num_hidden_layers; layer += 1) {
    const prefix = `model.layers.${layer}`;
    yield [`${prefix}.input_layernorm.weight`, [hidden]];
    yield [`${prefix}.post_attention_layernorm.weight`, [hidden]];
    yield [`${prefix}.self_attn.q_proj.weight`, [queries, hidden]];
    yield [`${prefix}.self_attn.k_proj.weight`, [keys, hidden]];
    yield [`${prefix}.self_attn.v_proj.weight`, [keys, hidden]];
    yield [`${prefix}.self_attn.o_proj.weight`, [hidden, queries]];
    yield [`${prefix}.mlp.gate_proj.weight`, [inner, hidden]];
    yield [`${prefix}.mlp.up_proj.weight`, [inner, hidden]];
    yield [`${prefix}.mlp.down_proj.weight`, [hidden, inner]];
  }
}

/** BF16 numbers between −0.03 and 0.03; Numerical Recipes' generator is random enough for weights. */
function randomWeights(count, seed) {
  const values = new Uint16Array(count);
  const float = new Float32Array(1);
  const bits = new Uint32Array(float.buffer);
  let state = seed;
  for (let index = 0; index < count; index += 1) {
    state = (Math.imul(state, 1_664_525) + 1_013_904_223) >>> 0;
    float[0] = (state / 2 ** 32 - 0.5) * 0.06;
    values[index] = bits[0] >>> 16;
  }
  return values;
}

/** Writes the checkpoint to a temporary folder, calls `use(folder)`, and removes the folder. Prompts are token ids. */
export async function withThinCheckpoint(use) {
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  const remove = () => rmSync(folder, { recursive: true, force: true });
  process.on('exit', remove);
  try {
    writeFileSync(join(folder, 'config.json'), JSON.stringify(config, null, 2));
    const header = {};
    const data = [];
    let offset = 0;
    for (const [name, shape] of tensors()) {
      const count = shape.reduce((product, size) => product * size, 1);
      header[name] = { dtype: 'BF16', shape, data_offsets: [offset, offset + count * 2] };
      data.push(randomWeights(count, data.length + 1));
      offset += count * 2;
    }
    const text = Buffer.from(JSON.stringify(header));
    const length = Buffer.alloc(8);
    length.writeBigUInt64LE(BigInt(text.length));
    const file = openSync(join(folder, 'model.safetensors'), 'w');
    for (const part of [length, text, ...data]) writeSync(file, part);
    closeSync(file);
    return await use(folder);
  } finally {
    process.off('exit', remove);
    remove();
  }
}

/** Token ids of its vocabulary. */
export function thinPrompt(length) {
  return Array.from({ length }, (_, index) => (index * 7919 + 13) % config.vocab_size);
}
