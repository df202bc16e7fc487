// The table of sound and hostile headers that the Rust reader is tested with too (crates/weights/tests/headers.rs).
import { mkdirSync, readFileSync, symlinkSync, writeFileSync } from 'node:fs';
import path from 'node:path';
import { SafetensorsCheckpoint } from '@shoal/core';
import t from 'tap';
import { f32, safetensorsBytes, writeCheckpoint } from './checkpoint.js';

type Piece = string | { readonly repeat: string; readonly times: number } | { readonly hex: string };

interface Case {
  readonly name: string;
  readonly header: readonly Piece[];
  /** What the file claims, where that is not the length of `header`. */
  readonly headerLength?: string;
  readonly dataBytes: number;
  /** What the message contains, without characters special to regular expressions; none: the file is sound. */
  readonly refused?: string;
}

function pieceBytes(piece: Piece): Buffer {
  if (typeof piece === 'string') return Buffer.from(piece);
  return 'hex' in piece ? Buffer.from(piece.hex, 'hex') : Buffer.from(piece.repeat.repeat(piece.times));
}

function fileBytes({ header, headerLength, dataBytes }: Case): Buffer {
  const text = Buffer.concat(header.map(pieceBytes));
  const prefix = Buffer.alloc(8);
  prefix.writeBigUInt64LE(BigInt(headerLength ?? text.length));
  return Buffer.concat([prefix, text, Buffer.alloc(dataBytes)]);
}

const open = (directory: string, bytes: Uint8Array): SafetensorsCheckpoint => {
  writeFileSync(path.join(directory, 'model.safetensors'), bytes);
  return new SafetensorsCheckpoint(directory);
};

const table = new URL('../../../../test/fixtures/safetensors/headers.json', import.meta.url);

t.test('sound headers are read, and hostile ones refused with the reason', async (test) => {
  const directory = test.testdir({});
  for (const one of JSON.parse(readFileSync(table, 'utf8')) as Case[]) {
    const act = () => open(directory, fileBytes(one)).close();
    if (one.refused === undefined) test.doesNotThrow(act, one.name);
    else test.throws(act, { code: 'MODEL_CHECKPOINT_INVALID', message: new RegExp(one.refused) }, one.name);
  }
});

t.test('a file cut short anywhere is refused', async (test) => {
  const directory = test.testdir({});
  const file = safetensorsBytes({ a: f32([2], [1, 2]), b: { dtype: 'I8', shape: [3], bytes: new Uint8Array(3) } });
  open(directory, file).close();
  for (let length = 0; length < file.length; length += 1) {
    test.throws(
      () => open(directory, file.subarray(0, length)),
      { code: 'MODEL_CHECKPOINT_INVALID' },
      `${length} bytes`,
    );
  }
});

t.test('an index', async (test) => {
  const directory = test.testdir({});
  const index = (weightMap: unknown) => {
    writeFileSync(path.join(directory, 'model.safetensors.index.json'), JSON.stringify({ weight_map: weightMap }));
    return () => new SafetensorsCheckpoint(directory).close();
  };
  writeCheckpoint(directory, { a: f32([1], [5]) }, 'one.safetensors');
  writeCheckpoint(directory, { b: f32([1], [6]) }, 'of two words.safetensors');
  const outside = [
    '../one.safetensors',
    '..\\one.safetensors',
    '/one.safetensors',
    '\\\\host\\share\\one.safetensors',
    'C:\\one.safetensors',
    'C:one.safetensors',
    'folder/one.safetensors',
    'folder\\one.safetensors',
    './one.safetensors',
    'one.safetensors\0',
    'one\0.safetensors',
    'one.txt',
    '.safetensors',
    '..',
    '',
    7,
    null,
    ['one.safetensors'],
  ];
  const code = 'MODEL_CHECKPOINT_INVALID';
  for (const name of outside)
    test.throws(index({ a: name }), { code, message: /not the name of a file/ }, JSON.stringify(name));
  for (const map of [null, 7, 'one.safetensors', ['one.safetensors']])
    test.throws(index(map), { code, message: /no weight_map/ }, JSON.stringify(map));
  test.throws(index({ a: 'three.safetensors' }), { code, message: /'three.safetensors' is missing/ });
  test.throws(index({ b: 'one.safetensors' }), { code, message: /no tensor 'b', though the index says so/ });
  test.doesNotThrow(index({ a: 'one.safetensors', b: 'of two words.safetensors' }), 'any name within the folder');
});

t.test("a snapshot of links to blobs, as Hugging Face's cache has it", async (test) => {
  const directory = test.testdir({});
  const [blobs, snapshot] = ['blobs', 'snapshot'].map((name) => path.join(directory, name)) as [string, string];
  for (const folder of [blobs, snapshot]) mkdirSync(folder);
  writeCheckpoint(blobs, { a: f32([1], [5]) }, '0123abcd');
  try {
    symlinkSync(path.join('..', 'blobs', '0123abcd'), path.join(snapshot, 'model.safetensors'));
  } catch (error) {
    // On Windows only an administrator or a developer may.
    if ((error as NodeJS.ErrnoException).code !== 'EPERM') throw error;
    test.pass('this user may not make links', { skip: true });
    return;
  }
  using checkpoint = new SafetensorsCheckpoint(snapshot);
  test.same([...checkpoint.tensors.keys()], ['a']);
});
