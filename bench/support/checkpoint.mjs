// A checkpoint of Llama-3.2-1B's shape with random weights: 2.5 GB in BF16, written in seconds.
import { spawnSync } from 'node:child_process';
import { existsSync, mkdirSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';

/** Layers of the whole shape. */
export const wholeLayers = 16;

const config = (layers) => ({
  architectures: ['LlamaForCausalLM'],
  model_type: 'llama',
  vocab_size: 128_256,
  hidden_size: 2048,
  num_hidden_layers: layers,
  num_attention_heads: 32,
  num_key_value_heads: 8,
  head_dim: 64,
  intermediate_size: 8192,
  max_position_embeddings: 131_072,
  hidden_act: 'silu',
  rms_norm_eps: 1e-5,
  rope_theta: 500_000,
  tie_word_embeddings: true,
  torch_dtype: 'bfloat16',
});

/**
 * Writes the checkpoint to a temporary folder, calls `use(folder)`, and removes the folder. It has no tokenizer: prompts
 * are token ids. `kept`: a folder to write it to unless it is there, and to leave it for the next run.
 */
export async function withCheckpoint(binary, layers, use, kept) {
  if (kept !== undefined) {
    mkdirSync(kept, { recursive: true });
    if (!existsSync(join(kept, 'config.json'))) write(binary, layers, kept);
    return use(kept);
  }
  const folder = mkdtempSync(join(tmpdir(), 'shoal-bench-'));
  // The listeners of signals also keep the file from staying behind when the benchmark is interrupted.
  const remove = () => rmSync(folder, { recursive: true, force: true });
  const interrupted = () => process.exit(130);
  process.on('exit', remove);
  process.once('SIGINT', interrupted).once('SIGTERM', interrupted);
  try {
    write(binary, layers, folder);
    return await use(folder);
  } finally {
    process.off('exit', remove).off('SIGINT', interrupted).off('SIGTERM', interrupted);
    remove();
  }
}

function write(binary, layers, folder) {
  const words = ['--write-checkpoint', folder, '--layers', String(layers)];
  const { status, error } = spawnSync(binary, words, { stdio: ['ignore', 'ignore', 'inherit'] });
  if (status !== 0) throw new Error(`the checkpoint was not written: ${error?.message ?? `code ${status}`}`);
  writeFileSync(join(folder, 'config.json'), JSON.stringify(config(layers), null, 2));
}

/** The prompt that the headless engine's benchmark uses, too. */
export function promptOf(length) {
  return Array.from({ length }, (_, index) => (index * 7919 + 13) % 100_000);
}
