/**
 * Llama and Mistral configurations with what transformers computes for them (test/fixtures/make_variants.py), and their
 * weights, which a generator makes here as it does there: no weights are committed.
 */
import { mkdirSync, readdirSync, readFileSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import type { CheckpointTensor, ModelConfig } from '@shoal/core';
import { f32, writeCheckpoint } from '../../core/test/program/checkpoint.js';

export interface Variant {
  readonly name: string;
  readonly config: ModelConfig;
  readonly tensors: Readonly<Record<string, readonly number[]>>;
  readonly contextLength: number;
  readonly ids: readonly number[];
  /** Positions of the prompt whose logits were recorded. */
  readonly positions: readonly number[];
  readonly logits: readonly (readonly number[])[];
  /** Absent where the rotation depends on the sequence's length. */
  readonly greedy?: { readonly tokens: readonly number[]; readonly margins: readonly number[] };
}

// Compiled tests lie under build/; fixtures are data and stay where they are.
const folder = path.resolve(import.meta.dirname, '../../../test/fixtures/variants');

export function readVariants(): Variant[] {
  return readdirSync(folder)
    .toSorted()
    .map((file) => ({
      name: path.basename(file, '.json'),
      ...(JSON.parse(readFileSync(path.join(folder, file), 'utf8')) as Omit<Variant, 'name'>),
    }));
}

/** The tensors of a variant as a checkpoint in F32 lists them. */
export function variantTensors({ tensors }: Variant): ReadonlyMap<string, CheckpointTensor> {
  return new Map(
    Object.entries(tensors).map(([name, shape]) => [
      name,
      { name, storage: 'f32', shape, byteLength: shape.reduce((product, size) => product * size, 4) },
    ]),
  );
}

/** FNV-1a of the tensor's name. */
function seedOf(name: string): number {
  let seed = 0x811c9dc5;
  for (const byte of Buffer.from(name)) seed = Math.imul(seed ^ byte, 0x01000193) >>> 0;
  return seed;
}

/** The finalizer of MurmurHash3, 32 bits. */
function mixed(value: number): number {
  let hash = value ^ (value >>> 16);
  hash = Math.imul(hash, 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

/** Small integers times a power of two: exact in F32, F16 and BF16. */
function generated(name: string, shape: readonly number[]): number[] {
  const seed = seedOf(name);
  const columns = shape.at(-1) as number;
  const exponent = name.endsWith('bias')
    ? 9
    : name.includes('embed_tokens')
      ? 8
      : 6 + Math.floor(Math.floor(Math.log2(columns)) / 2);
  const count = shape.reduce((product, size) => product * size, 1);
  return Array.from({ length: count }, (_, index) => {
    const hash = mixed((Math.imul(index, 0x9e3779b9) + seed) | 0);
    return name.endsWith('norm.weight') ? 1 + ((hash % 33) - 16) / 128 : ((hash % 255) - 127) * 2 ** -exponent;
  });
}

/** Writes config.json and the weights, in F32. */
export function writeVariant({ config, tensors }: Variant, directory: string): void {
  mkdirSync(directory, { recursive: true });
  writeFileSync(path.join(directory, 'config.json'), JSON.stringify(config));
  const written = Object.entries(tensors).map(([name, shape]) => [name, f32(shape, generated(name, shape))] as const);
  writeCheckpoint(directory, Object.fromEntries(written));
}
