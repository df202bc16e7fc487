/** Reads safetensors checkpoints in plain TypeScript: headers with every bound checked, elements on demand. */
import { closeSync, fstatSync, openSync, readFileSync, readSync, type Stats, statSync } from 'node:fs';
import path from 'node:path';
import { isStorageType, storageFormats } from '../program/storage.js';
import { ShoalError } from '../spec/errors.js';
import type { CheckpointTensor } from '../spec/model.js';
import type { Range } from '../spec/range.js';
import { decodeBlocks } from './decode-blocks.js';

/** Longest header that is read; the format's own implementation has the same limit. */
const maximumHeaderBytes = 100_000_000;
/** Bytes converted at once: bounds the scratch memory of a read. */
const chunkBytes = 1 << 20;

/** Names the storage type of a tensor that holds quantized blocks, in a file's metadata: this and the tensor's name. */
const blocksPrefix = 'shoal.blocks:';

const elementBytes: Readonly<Record<string, number>> = {
  F32: 4,
  F16: 2,
  BF16: 2,
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
  const size = elementBytes[dtype];
  const expected = shape.reduce((product: number, n: number) => product * n, size ?? 0);
  if (size !== undefined && expected !== end - begin) {
    return invalid(
      file,
      `tensor '${name}' of ${dtype} [${shape.join(', ')}] should have ${expected} bytes, has ${end - begin}`,
    );
  }
  const lower = dtype.toLowerCase();
  const storage = isStorageType(lower) ? lower : dtype;
  return { name, storage, shape, byteLength: end - begin, file, byteOffset: dataStart + begin };
}

/** Takes the bytes of a U8 tensor for blocks of a storage type: the shape becomes that of the numbers in them. */
function withBlocks(tensor: SafetensorsTensor, storage: string): SafetensorsTensor {
  // Perhaps a type of a later version: an error when somebody wants its numbers.
  if (!isStorageType(storage) || storageFormats[storage].blockElements === 1) return { ...tensor, storage };
  const { blockElements, blockBytes } = storageFormats[storage];
  const bytes = tensor.shape.at(-1);
  if (tensor.storage !== 'U8' || bytes === undefined || bytes % blockBytes !== 0) {
    return invalid(tensor.file, `the rows of tensor '${tensor.name}' are no whole blocks of ${storage}`);
  }
  return { ...tensor, storage, shape: [...tensor.shape.slice(0, -1), (bytes / blockBytes) * blockElements] };
}

/** Tensors of a file that hold blocks, with the names of their storage types. */
function blocksOf(metadata: unknown, file: string): Map<string, string> {
  const blocks = new Map<string, string>();
  if (typeof metadata !== 'object' || metadata === null) return blocks;
  for (const [key, storage] of Object.entries(metadata)) {
    if (!key.startsWith(blocksPrefix)) continue;
    if (typeof storage !== 'string') invalid(file, `'${key}' of its metadata is not the name of a storage type`);
    blocks.set(key.slice(blocksPrefix.length), storage as string);
  }
  return blocks;
}

/** Names of the checkpoint's weight files. Those of an index may not leave the folder. */
function weightFiles(directory: string): string[] {
  const exists = (name: string): boolean => {
    const stats: Stats | undefined = statSync(path.join(directory, name), { throwIfNoEntry: false });
    return stats?.isFile() ?? false;
  };
  const indexName = 'model.safetensors.index.json';
  // In this order, as transformers does.
  if (exists('model.safetensors')) return ['model.safetensors'];
  if (!exists(indexName)) {
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
        const { __metadata__: metadata, ...entries } = header;
        const blocks = blocksOf(metadata, file);
        for (const [name, entry] of Object.entries(entries)) {
          if (tensors.has(name)) invalid(file, `tensor '${name}' is in two files`);
          const tensor = parseTensor(name, entry, file, dataStart, dataLength);
          const storage = blocks.get(name);
          blocks.delete(name);
          tensors.set(name, storage === undefined ? tensor : withBlocks(tensor, storage));
        }
        for (const name of blocks.keys()) invalid(file, `its metadata describes a tensor '${name}' that it has not`);
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
    const { storage } = tensor;
    if (!isStorageType(storage)) {
      throw new ShoalError('MODEL_STORAGE_UNSUPPORTED', `tensor '${name}' is stored as ${storage}`, {
        details: { tensor: name, storage },
      });
    }
    const descriptor = this.descriptors.get(tensor.file);
    if (descriptor === undefined) throw new ShoalError('INTERNAL', `tensor '${name}' is read from a closed checkpoint`);
    const { blockElements, blockBytes } = storageFormats[storage];
    // The blocks that the elements lie in; a type without blocks has one element in each.
    const blocks: Range = [Math.floor(from / blockElements), Math.ceil(to / blockElements)];
    const blocksPerChunk = Math.floor(chunkBytes / blockBytes);
    const most = Math.min(blocks[1] - blocks[0], blocksPerChunk);
    const bytes = Buffer.alloc(most * blockBytes);
    const elements = new Float32Array(most * blockElements);
    for (let first = blocks[0]; first < blocks[1]; first += blocksPerChunk) {
      const count = Math.min(blocks[1] - first, blocksPerChunk);
      const read = readSync(descriptor, bytes, 0, count * blockBytes, tensor.byteOffset + first * blockBytes);
      if (read !== count * blockBytes) invalid(tensor.file, `ends inside tensor '${name}'`);
      decodeBlocks(bytes, storage, count, elements);
      const start = first * blockElements;
      const wanted: Range = [Math.max(from, start), Math.min(to, start + count * blockElements)];
      into.set(elements.subarray(wanted[0] - start, wanted[1] - start), offset + wanted[0] - from);
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
