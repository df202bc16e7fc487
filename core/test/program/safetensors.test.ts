import { writeFileSync } from 'node:fs';
import path from 'node:path';
import { SafetensorsCheckpoint } from '@shoal/core';
import t from 'tap';
import { f32, safetensorsBytes, type TensorData, writeCheckpoint } from './checkpoint.js';

const halves: TensorData = {
  dtype: 'F16',
  shape: [6],
  // 1, −2, the smallest subnormal, the largest finite, infinity, 0
  bytes: new Uint8Array(Uint16Array.from([0x3c00, 0xc000, 0x0001, 0x7bff, 0x7c00, 0]).buffer),
};
const brains: TensorData = {
  dtype: 'BF16',
  shape: [2],
  bytes: new Uint8Array(Uint16Array.from([0x3f80, 0xc049]).buffer),
};

t.test('elements of every type that is supported', async (test) => {
  const directory = test.testdir({});
  writeCheckpoint(directory, { full: f32([2, 2], [1, 2, 3, 4]), halves, brains });
  using checkpoint = new SafetensorsCheckpoint(directory);
  test.same(checkpoint.tensors.get('full')?.shape, [2, 2]);
  test.equal(checkpoint.tensors.get('brains')?.storage, 'bf16');
  const read = (name: string, from: number, to: number): number[] => {
    const into = new Float32Array(to - from);
    checkpoint.readElements(name, [from, to], into);
    return [...into];
  };
  test.same(read('full', 1, 3), [2, 3]);
  test.same(read('halves', 0, 6), [1, -2, 2 ** -24, 65504, Number.POSITIVE_INFINITY, 0]);
  test.same(read('brains', 0, 2), [1, -3.140625]);
  test.throws(() => read('absent', 0, 1), { code: 'MODEL_TENSOR_MISSING', message: /'absent'/ });
});

t.test('several files with an index', async (test) => {
  const index = { weight_map: { a: 'model-1.safetensors', b: 'model-2.safetensors' } };
  const directory = test.testdir({ 'model.safetensors.index.json': JSON.stringify(index) });
  writeCheckpoint(directory, { a: f32([1], [5]) }, 'model-1.safetensors');
  writeCheckpoint(directory, { b: f32([1], [6]) }, 'model-2.safetensors');
  using checkpoint = new SafetensorsCheckpoint(directory);
  const into = new Float32Array(2);
  checkpoint.readElements('a', [0, 1], into, 0);
  checkpoint.readElements('b', [0, 1], into, 1);
  test.same([...into], [5, 6]);
});

t.test('an index may not leave the folder', async (test) => {
  for (const name of ['../other.safetensors', '/etc/passwd', 'sub/model.safetensors', '..', '']) {
    const directory = test.testdir({ 'model.safetensors.index.json': JSON.stringify({ weight_map: { a: name } }) });
    test.throws(() => new SafetensorsCheckpoint(directory), {
      code: 'MODEL_CHECKPOINT_INVALID',
      message: /not the name of a file/,
    });
  }
});

t.test('one file goes before an index', async (test) => {
  const directory = test.testdir({
    'model.safetensors.index.json': JSON.stringify({ weight_map: { a: 'other.safetensors' } }),
  });
  writeCheckpoint(directory, { a: f32([1], [5]) }, 'other.safetensors');
  writeCheckpoint(directory, { b: f32([1], [6]) });
  using checkpoint = new SafetensorsCheckpoint(directory);
  test.same([...checkpoint.tensors.keys()], ['b']);
});

t.test('tensors that hold blocks have type and shape of their numbers', async (test) => {
  const directory = test.testdir({});
  // Two blocks of q8_0: scale 1, then codes 0 to 31, and the same below zero.
  const bytes = new Uint8Array(68);
  for (let index = 0; index < 32; index += 1) [bytes[2 + index], bytes[36 + index]] = [index, 256 - index];
  [bytes[1], bytes[35]] = [0x3c, 0x3c];
  const open = (metadata: Record<string, unknown>, dtype = 'U8', shape: readonly number[] = [2, 34]) => {
    const file = safetensorsBytes({ m: { dtype, shape, bytes } }, (header) => {
      header.__metadata__ = metadata;
    });
    writeFileSync(path.join(directory, 'model.safetensors'), file);
    return new SafetensorsCheckpoint(directory);
  };
  {
    using checkpoint = open({ 'shoal.blocks:m': 'q8_0' });
    test.match(checkpoint.tensors.get('m'), { storage: 'q8_0', shape: [2, 32], byteLength: 68 });
    const into = new Float32Array(4);
    checkpoint.readElements('m', [30, 34], into);
    test.same([...into], [30, 31, 0, -1]);
  }
  {
    using checkpoint = open({ 'shoal.blocks:m': 'iq9' });
    test.throws(() => checkpoint.readElements('m', [0, 1], new Float32Array(1)), {
      code: 'MODEL_STORAGE_UNSUPPORTED',
      message: /'m' is stored as iq9/,
    });
  }
  const invalid = { code: 'MODEL_CHECKPOINT_INVALID' };
  test.throws(() => open({ 'shoal.blocks:m': 'q4_0' }), { ...invalid, message: /no whole blocks of q4_0/ });
  test.throws(() => open({ 'shoal.blocks:m': 'q8_0' }, 'F16', [2, 17]), { ...invalid, message: /no whole blocks/ });
  test.throws(() => open({ 'shoal.blocks:m': 8 }), {
    ...invalid,
    message: /'shoal.blocks:m' of its __metadata__ is not a string/,
  });
  test.throws(() => open({ 'shoal.blocks:x': 'q8_0' }), { ...invalid, message: /describes a tensor 'x'/ });
});

t.test('an empty folder is not a model', async (test) => {
  test.throws(() => new SafetensorsCheckpoint(test.testdir({})), { code: 'MODEL_NOT_FOUND' });
});

const a = f32([2, 2], [1, 2, 3, 4]);
const entry = (fields: object) => (header: Record<string, unknown>) => {
  header.a = { dtype: 'F32', shape: [2, 2], data_offsets: [0, 16], ...fields };
};
const hugePrefix = Buffer.alloc(64);
hugePrefix.writeBigUInt64LE(2n ** 62n);

const broken: readonly (readonly [string, Buffer, RegExp])[] = [
  ['a file of 3 bytes', Buffer.from('abc'), /shorter than 8 bytes/],
  ['a header larger than the file', hugePrefix, /claims a header of/],
  [
    'a header that is no JSON',
    Buffer.concat([Buffer.from([4, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('{"a}')]),
    /not valid JSON/,
  ],
  [
    'a header that is a list',
    Buffer.concat([Buffer.from([2, 0, 0, 0, 0, 0, 0, 0]), Buffer.from('[]')]),
    /expected a JSON object/,
  ],
  [
    'data beyond the end',
    safetensorsBytes({ a }, entry({ data_offsets: [0, 32], shape: [2, 4] })),
    /lies at \[0, 32\) of 16 bytes/,
  ],
  ['data that runs backwards', safetensorsBytes({ a }, entry({ data_offsets: [16, 0] })), /lies at/],
  ['negative offsets', safetensorsBytes({ a }, entry({ data_offsets: [-16, 0] })), /no valid data_offsets/],
  ['a shape that disagrees', safetensorsBytes({ a }, entry({ shape: [3, 2] })), /should have 24 bytes, has 16/],
  ['a shape of huge numbers', safetensorsBytes({ a }, entry({ shape: [2 ** 53, 2 ** 53] })), /no valid shape/],
  ['a tensor without type', safetensorsBytes({ a }, entry({ dtype: 7 })), /no dtype/],
];

for (const [name, bytes, message] of broken) {
  t.test(`refused: ${name}`, async (test) => {
    const directory = test.testdir({});
    writeFileSync(path.join(directory, 'model.safetensors'), bytes);
    test.throws(() => new SafetensorsCheckpoint(directory), { code: 'MODEL_CHECKPOINT_INVALID', message });
  });
}

t.test('a type that is not supported is refused when it is read', async (test) => {
  const directory = test.testdir({});
  writeCheckpoint(directory, { a: { dtype: 'F8_E4M3', shape: [2], bytes: new Uint8Array(2) } });
  using checkpoint = new SafetensorsCheckpoint(directory);
  test.throws(() => checkpoint.readElements('a', [0, 2], new Float32Array(2)), {
    code: 'MODEL_STORAGE_UNSUPPORTED',
    message: /F8_E4M3/,
  });
});
