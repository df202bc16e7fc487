import path from 'node:path';
import { SafetensorsCheckpoint, type StorageType, storageFormats, storageTypes } from '@shoal/core';
import { writeConvertedCheckpoint } from '@shoal/engine-node';
import t from 'tap';
import { f32, writeCheckpoint } from '../../../../core/test/program/checkpoint.js';
import { randomNumbers } from '../../../../core/test/program/random.js';

const shape = [3, 512];
const count = 3 * 512;

t.test('both languages read the same numbers from blocks of every type', async (t) => {
  const next = randomNumbers(5);
  const numbers = Array.from({ length: count }, (_, index) => (next() - 0.5) * 2 ** ((index % 7) - 3));
  for (const storage of storageTypes) {
    const folder = t.testdir({ plain: {}, blocks: {}, numbers: {} });
    const at = (name: string): string => path.join(folder, name);
    writeCheckpoint(at('plain'), { m: f32(shape, numbers) });
    const convert = (from: string, to: string, type: StorageType): Promise<void> =>
      writeConvertedCheckpoint(
        JSON.stringify({
          modelDirectory: at(from),
          outputFile: path.join(at(to), 'model.safetensors'),
          tensors: [{ name: 'm', storage: type }],
        }),
        () => {},
      );
    await convert('plain', 'blocks', storage);
    await convert('blocks', 'numbers', 'f32');
    using blocks = new SafetensorsCheckpoint(at('blocks'));
    using decoded = new SafetensorsCheckpoint(at('numbers'));
    const tensor = blocks.tensors.get('m');
    const { blockElements, blockBytes } = storageFormats[storage];
    t.match(tensor, { storage, shape, byteLength: (count / blockElements) * blockBytes });
    const [own, native] = [new Float32Array(count), new Float32Array(count)];
    blocks.readElements('m', [0, count], own);
    decoded.readElements('m', [0, count], native);
    const error = own.reduce((most, x, index) => Math.max(most, Math.abs(x - (native[index] as number))), 0);
    t.ok(error < 1e-6, `${storage}: they differ by ${error}`);
    const loss = own.reduce((most, x, index) => Math.max(most, Math.abs(x - (numbers[index] as number))), 0);
    t.ok(loss < 2, `${storage}: ${loss} lost`);
    // Elements that begin and end inside blocks.
    const part = new Float32Array(40);
    blocks.readElements('m', [305, 345], part);
    t.same([...part], [...own.subarray(305, 345)]);
  }
});

t.test('errors carry codes', async (t) => {
  const folder = t.testdir({});
  writeCheckpoint(folder, { m: f32([2, 31], Array(62).fill(1)) });
  const order = (tensors: object[], outputFile = path.join(folder, 'out.safetensors')): string =>
    JSON.stringify({ modelDirectory: folder, outputFile, tensors });
  const convert = (json: string): Promise<void> => writeConvertedCheckpoint(json, () => {});
  await t.rejects(convert(order([{ name: 'x' }])), { code: 'MODEL_TENSOR_MISSING' });
  await t.rejects(convert(order([{ name: 'm', storage: 'q4_0' }])), { code: 'PROGRAM_STORAGE_BLOCK' });
  await t.rejects(convert(order([{ name: 'm', storage: 'q9_9' }])), { code: 'ARGUMENT_INVALID' });
  await t.rejects(convert(order([{ name: 'm' }], path.join(folder, 'nowhere', 'x'))), { code: 'MODEL_WRITE_FAILED' });
  await t.rejects(
    writeConvertedCheckpoint(order([{ name: 'm' }]), () => {}, AbortSignal.abort()),
    {
      name: 'AbortError',
    },
  );
});
