/** Reads safetensors checkpoints in plain TypeScript: headers with every bound checked, elements on demand. */
import { closeSync, fstatSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { ShoalError } from '../spec/errors.js';
import type { CheckpointTensor } from '../spec/model.js';
import type { Range } from '../spec/range.js';

/** Longest header that is read; the format's own implementation has the same limit. */
const maximumHeaderBytes = 100_000_000;
/** Bytes converted at once: bounds the scratch memory of a read. */
const chunkBytes = 1 << 20;

const elementBytes: Readonly<Record<string, number>> = { F32: 4, F16: 2, BF16: 2 };
const otherElementBytes: Readonly<Record<string, number>> = {
  BOOL: 1,
  U8: 1,
  I8: 1,
  F8_E5M2: 1,
  F8_E4M3: 1,
  I16: 2,
  U16: 2,
  I32: 4,
  U32: 4,
  I64: 8,
  U64: 8,
  F64: 8,
};

/** A tensor and where its bytes are. */
export interface SafetensorsTensor extends CheckpointTensor {
  /** Name of the file in the checkpoint's folder. */
  readonly file: string;
  /** Of its first byte, from the start of the file. */
  readonly byteOffset: number;
}

function invalid(file: string, problem: string, details: Readonly<Record<string, unknown>> = {}): never {
  throw new ShoalError('MODEL_CHECKPOINT_INVALID', `${file}: ${problem}`, { details: { file, ...details } });
}

const isSize = (value: unknown): value is number => Number.isSafeInteger(value) && (value as number) >= 0;

function parseObject(text: string, file: string): Record<string, unknown> {
  try {
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return parsed as Record<string, unknown>;
  } catch (cause) {
    throw new ShoalError('MODEL_CHECKPOINT_INVALID', `${file}: not valid JSON`, { cause, details: { file } });
  }
  return invalid(file, 'expected a JSON object');
}

function readHeader(
  descriptor: number,
  file: string,
): { header: Record<string, unknown>; dataStart: number; dataLength: number } {
  const { size } = fstatSync(descriptor);
  const prefix = Buffer.alloc(8);
  if (readSync(descriptor, prefix, 0, 8, 0) !== 8) invalid(file, 'shorter than 8 bytes');
  const headerLength = Number(prefix.readBigUInt64LE());
  if (headerLength > maximumHeaderBytes || headerLength > size - 8) {
    invalid(file, `claims a header of ${headerLength} bytes in a file of ${size}`);
  }
  const text = Buffer.alloc(headerLength);
  if (readSync(descriptor, text, 0, headerLength, 8) !== headerLength) invalid(file, 'the header is truncated');
  return {
    header: parseObject(text.toString('utf8'), file),
    dataStart: 8 + headerLength,
    dataLength: size - 8 - headerLength,
  };
}

function parseTensor(
  name: string,
  entry: unknown,
  file: string,
  dataStart: number,
  dataLength: number,
): SafetensorsTensor {
  const {
    dtype,
    shape,
    data_offsets: offsets,
  } = (typeof entry === 'object' && entry !== null ? entry : {}) as Record<string, unknown>;
  if (typeof dtype !== 'string') return invalid(file, `tensor '${name}' has no dtype`);
  if (!Array.isArray(shape) || !shape.every(isSize)) return invalid(file, `tensor '${name}' has no valid shape`);
  if (!Array.isArray(offsets) || offsets.length !== 2 || !offsets.every(isSize))
    return invalid(file, `tensor '${name}' has no valid data_offsets`);
  const [begin, end] = offsets as [number, number];
  if (begin > end || end > dataLength)
    return invalid(file, `tensor '${name}' lies at [${begin}, ${end}) of ${dataLength} bytes`);
  const size = elementBytes[dtype] ?? otherElementBytes[dtype];
  const expected = shape.reduce((product: number, n: number) => product * n, size ?? 0);
  if (size !== undefined && expected !== end - begin) {
    return invalid(
      file,
      `tensor '${name}' of ${dtype} [${shape.join(', ')}] should have ${expected} bytes, has ${end - begin}`,
    );
  }
  const storage = dtype in elementBytes ? dtype.toLowerCase() : dtype;
  return { name, storage, shape, byteLength: end - begin, file, byteOffset: dataStart + begin };
}

/** Names of the checkpoint's weight files. Those of an index may not leave the folder. */
function weightFiles(directory: string): string[] {
  const exists = (name: string): boolean => {
    const stats: Stats | undefined = statSync(path.join(directory, name), { throwIfNoEntry: false });
    return stats?.isFile() ?? false;
  };
  const indexName = 'model.safetensors.index.json';
  if (!exists(indexName)) {
    if (exists('model.safetensors')) return ['model.safetensors'];
    throw new ShoalError('MODEL_NOT_FOUND', `'${directory}' has neither model.safetensors nor ${indexName}`, {
      details: { directory },
    });
  }
  const index = parseObject(readFileSync(path.join(directory, indexName), 'utf8'), indexName);
  const map = index.weight_map;
  if (typeof map !== 'object' || map === null) return invalid(indexName, 'has no weight_map');
  const names = [...new Set(Object.values(map as Record<string, unknown>))];
  return names.map((name) => {
    if (typeof name !== 'string' || !/^[\w.-]+$/.test(name) || name.startsWith('.')) {
      return invalid(indexName, `'${String(name)}' is not the name of a file in the folder`);
    }
    if (!exists(name)) invalid(indexName, `the file '${name}' is missing`);
    return name;
  });
}

/** Widens an IEEE half to a number. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

function decode(bytes: Buffer, storage: string, into: Float32Array, offset: number, count: number): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  if (storage === 'f32') {
    for (let i = 0; i < count; i += 1) into[offset + i] = view.getFloat32(i * 4, true);
    return;
  }
  if (storage === 'f16') {
    for (let i = 0; i < count; i += 1) into[offset + i] = halfToNumber(view.getUint16(i * 2, true));
    return;
  }
  // A bfloat16 is the upper half of a float32.
  const wide = new Uint32Array(1);
  const value = new Float32Array(wide.buffer);
  for (let i = 0; i < count; i += 1) {
    wide[0] = view.getUint16(i * 2, true) << 16;
    into[offset + i] = value[0] as number;
  }
}

/** An open checkpoint: `model.safetensors`, or shards with an index. Files stay open until `close`. */
export class SafetensorsCheckpoint implements Disposable {
  readonly tensors: ReadonlyMap<string, SafetensorsTensor>;
  private readonly descriptors = new Map<string, number>();

  /**
   * Opens the files and reads their headers.
   * Throws MODEL_NOT_FOUND without weight files and MODEL_CHECKPOINT_INVALID for broken ones.
   */
  constructor(directory: string) {
    const tensors = new Map<string, SafetensorsTensor>();
    try {
      for (const file of weightFiles(directory)) {
        const descriptor = openSync(path.join(directory, file), 'r');
        this.descriptors.set(file, descriptor);
        const { header, dataStart, dataLength } = readHeader(descriptor, file);
        for (const [name, entry] of Object.entries(header)) {
          if (name === '__metadata__') continue;
          if (tensors.has(name)) invalid(file, `tensor '${name}' is in two files`);
          tensors.set(name, parseTensor(name, entry, file, dataStart, dataLength));
        }
      }
    } catch (error) {
      this.close();
      throw ShoalError.from(error, 'MODEL_CHECKPOINT_INVALID');
    }
    this.tensors = tensors;
  }

  /**
   * Elements [from, to) of a tensor in row-major order, as F32, into `into` at `offset`.
   * Throws MODEL_TENSOR_MISSING, MODEL_STORAGE_UNSUPPORTED, MODEL_CHECKPOINT_INVALID (file cut short).
   */
  readElements(name: string, [from, to]: Range, into: Float32Array, offset = 0): void {
    const tensor = this.tensors.get(name);
    if (tensor === undefined) {
      throw new ShoalError('MODEL_TENSOR_MISSING', `the checkpoint has no tensor '${name}'`, {
        details: { tensor: name },
      });
    }
    const size = elementBytes[tensor.storage.toUpperCase()];
    if (size === undefined) {
      throw new ShoalError('MODEL_STORAGE_UNSUPPORTED', `tensor '${name}' is stored as ${tensor.storage}`, {
        details: { tensor: name, storage: tensor.storage },
      });
    }
    const descriptor = this.descriptors.get(tensor.file);
    if (descriptor === undefined) throw new ShoalError('INTERNAL', `tensor '${name}' is read from a closed checkpoint`);
    const elementsPerChunk = chunkBytes / size;
    const bytes = Buffer.alloc(Math.min(to - from, elementsPerChunk) * size);
    for (let start = from; start < to; start += elementsPerChunk) {
      const count = Math.min(to - start, elementsPerChunk);
      const read = readSync(descriptor, bytes, 0, count * size, tensor.byteOffset + start * size);
      if (read !== count * size) invalid(tensor.file, `ends inside tensor '${name}'`);
      decode(bytes, tensor.storage, into, offset + start - from, count);
    }
  }

  close(): void {
    for (const descriptor of this.descriptors.values()) closeSync(descriptor);
    this.descriptors.clear();
  }

  [Symbol.dispose](): void {
    this.close();
  }
}
