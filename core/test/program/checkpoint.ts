/** Writes small safetensors checkpoints for tests. */
import { writeFileSync } from 'node:fs';
import path from 'node:path';

export interface TensorData {
  readonly dtype: string;
  readonly shape: readonly number[];
  readonly bytes: Uint8Array;
}

export const f32 = (shape: readonly number[], values: readonly number[]): TensorData => ({
  dtype: 'F32',
  shape,
  bytes: new Uint8Array(Float32Array.from(values).buffer),
});

/** The bytes of a file; `change` may spoil the header. */
export function safetensorsBytes(
  tensors: Readonly<Record<string, TensorData>>,
  change: (header: Record<string, unknown>) => void = () => {},
): Buffer {
  const header: Record<string, unknown> = { __metadata__: { format: 'pt' } };
  let offset = 0;
  for (const [name, { dtype, shape, bytes }] of Object.entries(tensors)) {
    header[name] = { dtype, shape, data_offsets: [offset, offset + bytes.length] };
    offset += bytes.length;
  }
  change(header);
  const text = Buffer.from(JSON.stringify(header));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(text.length));
  return Buffer.concat([prefix, text, ...Object.values(tensors).map(({ bytes }) => bytes)]);
}

export function writeCheckpoint(
  directory: string,
  tensors: Readonly<Record<string, TensorData>>,
  file = 'model.safetensors',
): void {
  writeFileSync(path.join(directory, file), safetensorsBytes(tensors));
}
