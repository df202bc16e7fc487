/** Decodes every storage type to numbers. The formats of blocks are ggml's (its `dequantize_row_…` functions). */
import { storageFormats } from '../program/storage.js';
import type { StorageType } from '../spec/program.js';

/** Decodes the block at `offset` into elements from `start` on. */
type BlockDecoder = (view: DataView, offset: number, into: Float32Array, start: number) => void;

/** Widens an IEEE half to a number. */
function halfToNumber(bits: number): number {
  const sign = bits & 0x8000 ? -1 : 1;
  const exponent = (bits >> 10) & 0x1f;
  const fraction = bits & 0x3ff;
  if (exponent === 0) return sign * fraction * 2 ** -24;
  if (exponent === 31) return fraction === 0 ? sign * Number.POSITIVE_INFINITY : Number.NaN;
  return sign * (1 + fraction / 1024) * 2 ** (exponent - 15);
}

const halfAt = (view: DataView, offset: number): number => halfToNumber(view.getUint16(offset, true));

const wide = new Uint32Array(1);
const narrow = new Float32Array(wide.buffer);

/** A bfloat16 is the upper half of a float32. */
function brainToNumber(bits: number): number {
  wide[0] = bits << 16;
  return narrow[0] as number;
}

/** 32 codes of four bits, value j with value j + 16 in a byte; a fifth bit each from four bytes at `fifths`. */
function decodePairs(
  view: DataView,
  pairs: number,
  fifths: number | undefined,
  into: Float32Array,
  start: number,
  numberOf: (code: number) => number,
): void {
  const high = fifths === undefined ? 0 : view.getUint32(fifths, true);
  for (let index = 0; index < 16; index += 1) {
    const byte = view.getUint8(pairs + index);
    into[start + index] = numberOf((byte & 15) | (((high >>> index) & 1) << 4));
    into[start + index + 16] = numberOf((byte >> 4) | (((high >>> (index + 16)) & 1) << 4));
  }
}

/** Six bits each of scale and minimum of one of eight groups, packed into twelve bytes. */
function scaleAndMinimum(view: DataView, packed: number, group: number): readonly [number, number] {
  const byte = (index: number): number => view.getUint8(packed + index);
  if (group < 4) return [byte(group) & 63, byte(group + 4) & 63];
  const low = byte(group + 4);
  return [(low & 15) | ((byte(group - 4) >> 6) << 4), (low >> 4) | ((byte(group) >> 6) << 4)];
}

/** Eight groups of 32 codes with scales and minima; fifth bits in 32 bytes before the pairs where there are any. */
function decodeGroups(view: DataView, offset: number, hasFifths: boolean, into: Float32Array, start: number): void {
  const scaleFactor = halfAt(view, offset);
  const minimumFactor = halfAt(view, offset + 2);
  const fifths = offset + 16;
  const pairs = hasFifths ? fifths + 32 : fifths;
  for (let group = 0; group < 8; group += 1) {
    const [scale, minimum] = scaleAndMinimum(view, offset + 4, group);
    for (let index = 0; index < 32; index += 1) {
      const low = (view.getUint8(pairs + (group >> 1) * 32 + index) >> ((group & 1) * 4)) & 15;
      const high = hasFifths ? ((view.getUint8(fifths + index) >> group) & 1) << 4 : 0;
      const value = scaleFactor * scale * (low | high) - minimumFactor * minimum;
      into[start + group * 32 + index] = value;
    }
  }
}

/** Values of the sixteen codes of E2M1. */
const fourBitFloats = [0, 0.5, 1, 1.5, 2, 3, 4, 6, -0, -0.5, -1, -1.5, -2, -3, -4, -6];

const decoders: Readonly<Record<StorageType, BlockDecoder>> = {
  f32: (view, offset, into, start) => {
    into[start] = view.getFloat32(offset, true);
  },
  f16: (view, offset, into, start) => {
    into[start] = halfAt(view, offset);
  },
  bf16: (view, offset, into, start) => {
    into[start] = brainToNumber(view.getUint16(offset, true));
  },
  q8_0: (view, offset, into, start) => {
    const scale = halfAt(view, offset);
    for (let index = 0; index < 32; index += 1) into[start + index] = view.getInt8(offset + 2 + index) * scale;
  },
  q4_0: (view, offset, into, start) => {
    const scale = halfAt(view, offset);
    decodePairs(view, offset + 2, undefined, into, start, (code) => (code - 8) * scale);
  },
  q4_1: (view, offset, into, start) => {
    const [scale, minimum] = [halfAt(view, offset), halfAt(view, offset + 2)];
    decodePairs(view, offset + 4, undefined, into, start, (code) => code * scale + minimum);
  },
  q5_0: (view, offset, into, start) => {
    const scale = halfAt(view, offset);
    decodePairs(view, offset + 6, offset + 2, into, start, (code) => (code - 16) * scale);
  },
  q5_1: (view, offset, into, start) => {
    const [scale, minimum] = [halfAt(view, offset), halfAt(view, offset + 2)];
    decodePairs(view, offset + 8, offset + 4, into, start, (code) => code * scale + minimum);
  },
  q4_k: (view, offset, into, start) => decodeGroups(view, offset, false, into, start),
  q5_k: (view, offset, into, start) => decodeGroups(view, offset, true, into, start),
  q6_k: (view, offset, into, start) => {
    const factor = halfAt(view, offset + 208);
    for (let position = 0; position < 256; position += 1) {
      const half = position >> 7;
      const quarter = (position >> 5) & 3;
      const index = position & 31;
      const low = (view.getUint8(offset + half * 64 + (quarter & 1) * 32 + index) >> ((quarter >> 1) * 4)) & 15;
      const high = (view.getUint8(offset + 128 + half * 32 + index) >> (quarter * 2)) & 3;
      const scale = view.getInt8(offset + 192 + (position >> 4));
      into[start + position] = factor * scale * ((low | (high << 4)) - 32);
    }
  },
  mxfp4: (view, offset, into, start) => {
    const scale = 2 ** (view.getUint8(offset) - 127);
    decodePairs(view, offset + 1, undefined, into, start, (code) => (fourBitFloats[code] as number) * scale);
  },
};

/** Decodes `count` blocks of a storage type into as many elements as they hold. */
export function decodeBlocks(bytes: Uint8Array, storage: StorageType, count: number, into: Float32Array): void {
  const { blockElements, blockBytes } = storageFormats[storage];
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const decode = decoders[storage];
  for (let block = 0; block < count; block += 1) decode(view, block * blockBytes, into, block * blockElements);
}
