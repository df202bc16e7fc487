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
const maximumIndexBytes = 64 << 20;
const maximumFiles = 4096;
/** Bytes converted at once: bounds the scratch memory of a read. */
const chunkBytes = 1 << 20;

/** Names the storage type of a tensor that holds quantized blocks, in a file's metadata: this and the tensor's name. */
const blocksPrefix = 'shoal.blocks:';

/** Bits of an element of every type of the format. */
const elementBits: ReadonlyMap<string, number> = new Map(
  Object.entries({
    64: ['F64', 'I64', 'U64', 'C64'],
    32: ['F32', 'I32', 'U32'],
    16: ['F16', 'BF16', 'I16', 'U16'],
    8: ['BOOL', 'I8', 'U8', 'F8_E4M3', 'F8_E5M2', 'F8_E8M0'],
    6: ['F6_E2M3', 'F6_E3M2'],
    4: ['F4'],
  }).flatMap(([bits, types]) => types.map((type) => [type, Number(bits)] as const)),
);

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

const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true });

function parseObject(bytes: Uint8Array, file: string): { text: string; object: Record<string, unknown> } {
  try {
    const text = utf8.decode(bytes);
    const parsed: unknown = JSON.parse(text);
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed))
      return { text, object: parsed as Record<string, unknown> };
  } catch (cause) {
    throw new ShoalError('MODEL_CHECKPOINT_INVALID', `${file}: not valid JSON`, { cause, details: { file } });
  }
  return invalid(file, 'expected a JSON object');
}

/** How many keys valid JSON has in its outermost object, and in the objects that are values of that one. */
function countKeys(json: string): readonly [outer: number, inner: number] {
  const keys: [number, number] = [0, 0];
  let depth = 0;
  let inString = false;
  for (let index = 0; index < json.length; index += 1) {
    const character = json[index];
    if (inString) {
      if (character === '\\') index += 1;
      else if (character === '"') inString = false;
    } else if (character === '"') inString = true;
    else if (character === '{' || character === '[') depth += 1;
    else if (character === '}' || character === ']') depth -= 1;
    else if (character === ':' && depth <= 2) keys[depth - 1] = (keys[depth - 1] ?? 0) + 1;
  }
  return keys;
}

/** Refuses a header that names something twice: readers differ in which of the two they take. */
function checkNames(header: Readonly<Record<string, unknown>>, text: string, file: string): void {
  const [outer, inner] = countKeys(text);
  let different = 0;
  for (const value of Object.values(header))
    if (typeof value === 'object' && value !== null && !Array.isArray(value)) different += Object.keys(value).length;
  if (Object.keys(header).length !== outer || different !== inner) invalid(file, 'the header has a name twice');
  for (const name of Object.keys(header)) {
    // Half of a surrogate pair, which JSON can spell and no other encoding of text can.
    if (/\p{Surrogate}/u.test(name)) invalid(file, `the header has a name that is no Unicode: ${JSON.stringify(name)}`);
  }
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
  const bytes = Buffer.alloc(headerLength);
  if (readSync(descriptor, bytes, 0, headerLength, 8) !== headerLength) invalid(file, 'the header is truncated');
  const { text, object: header } = parseObject(bytes, file);
  checkNames(header, text, file);
  return { header, dataStart: 8 + headerLength, dataLength: size - 8 - headerLength };
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
  const bits = elementBits.get(dtype);
  if (bits === undefined) return invalid(file, `tensor '${name}' has type ${dtype}, which is not one of the format`);
  // Too many stay too many, whatever is multiplied afterwards.
  const multiply = (product: number, size: number) =>
    Number.isSafeInteger(product * size) ? product * size : Number.NaN;
  const elements = shape.reduce(multiply, 1);
  const expected = Math.ceil((elements * bits) / 8);
  if (expected !== end - begin) {
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
  if (metadata === undefined) return blocks;
  if (typeof metadata !== 'object' || metadata === null || Array.isArray(metadata))
    return invalid(file, 'its __metadata__ is not an object');
  for (const [key, value] of Object.entries(metadata)) {
    if (typeof value !== 'string') invalid(file, `'${key}' of its __metadata__ is not a string`);
    if (key.startsWith(blocksPrefix)) blocks.set(key.slice(blocksPrefix.length), value);
  }
  return blocks;
}

/** Refuses tensors that share bytes, and bytes that no tensor has. */
function checkExtents(
  tensors: readonly SafetensorsTensor[],
  dataStart: number,
  dataLength: number,
  file: string,
): void {
  const ends = ({ byteOffset, byteLength }: SafetensorsTensor) => byteOffset + byteLength;
  const inOrder = tensors.toSorted((one, other) => one.byteOffset - other.byteOffset || ends(one) - ends(other));
  let covered = dataStart;
  for (const tensor of inOrder) {
    if (tensor.byteOffset !== covered) {
      const [begin, expected] = [tensor.byteOffset - dataStart, covered - dataStart];
      invalid(
        file,
        `the tensors overlap or leave a gap at byte ${begin}, where '${tensor.name}' begins (expected ${expected})`,
      );
    }
    covered = ends(tensor);
  }
  if (covered !== dataStart + dataLength)
    invalid(file, `the tensors cover ${covered - dataStart} bytes of ${dataLength}`);
}

/** Whether a name from an index stays within its folder on every platform. */
const isPlainFileName = (name: unknown): name is string =>
  typeof name === 'string' && name.endsWith('.safetensors') && !name.startsWith('.') && !/[/\\:\0]/.test(name);

/** The checkpoint's weight files, and of an index the file of each tensor. Names of an index cannot leave the folder. */
function weightFiles(directory: string): { files: readonly string[]; places?: ReadonlyMap<string, string> } {
  const existing = (name: string): Stats | undefined => {
    const stats = statSync(path.join(directory, name), { throwIfNoEntry: false });
    return stats?.isFile() ? stats : undefined;
  };
  const indexName = 'model.safetensors.index.json';
  // In this order, as transformers does.
  if (existing('model.safetensors')) return { files: ['model.safetensors'] };
  const size = existing(indexName)?.size;
  if (size === undefined) {
    throw new ShoalError('MODEL_NOT_FOUND', `'${directory}' has neither model.safetensors nor ${indexName}`, {
      details: { directory },
    });
  }
  if (size > maximumIndexBytes) invalid(indexName, `has ${size} bytes, the limit is ${maximumIndexBytes}`);
  const map = parseObject(readFileSync(path.join(directory, indexName)), indexName).object.weight_map;
  if (typeof map !== 'object' || map === null || Array.isArray(map)) return invalid(indexName, 'has no weight_map');
  const places = new Map<string, string>();
  for (const [tensor, name] of Object.entries(map)) {
    if (!isPlainFileName(name)) invalid(indexName, `'${String(name)}' is not the name of a file in the same folder`);
    places.set(tensor, name as string);
  }
  const files = [...new Set(places.values())];
  if (files.length > maximumFiles) invalid(indexName, `has ${files.length} weight files, the limit is ${maximumFiles}`);
  for (const name of files) if (!existing(name)) invalid(indexName, `the file '${name}' is missing`);
  return { files, places };
}

/** The tensors of a file, all of whose header was checked. */
function readTensors(descriptor: number, file: string): SafetensorsTensor[] {
  const { header, dataStart, dataLength } = readHeader(descriptor, file);
  const { __metadata__: metadata, ...entries } = header;
  const blocks = blocksOf(metadata, file);
  const tensors = Object.entries(entries).map(([name, entry]) => {
    const tensor = parseTensor(name, entry, file, dataStart, dataLength);
    const storage = blocks.get(name);
    blocks.delete(name);
    return storage === undefined ? tensor : withBlocks(tensor, storage);
  });
  for (const name of blocks.keys()) invalid(file, `its metadata describes a tensor '${name}' that it has not`);
  checkExtents(tensors, dataStart, dataLength, file);
  return tensors;
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
      const { files, places } = weightFiles(directory);
      for (const file of files) {
        const descriptor = openSync(path.join(directory, file), 'r');
        this.descriptors.set(file, descriptor);
        for (const tensor of readTensors(descriptor, file)) {
          if (tensors.has(tensor.name)) invalid(file, `tensor '${tensor.name}' is in another file too`);
          tensors.set(tensor.name, tensor);
        }
      }
      for (const [name, file] of places ?? [])
        if (tensors.get(name)?.file !== file) invalid(file, `has no tensor '${name}', though the index says so`);
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
