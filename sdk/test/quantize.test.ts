import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { cp, writeFile } from 'node:fs/promises';
import path from 'node:path';
import { SafetensorsCheckpoint } from '@shoal/core';
import { createCluster, quantizeModel } from 'shoal';
import t from 'tap';
import { answer, question } from './support/local.js';

const shipped = path.resolve(import.meta.dirname, '../../../models/shoal-tiny-chat');
const q8 = { matrix: 'q8_0', embedding: 'q8_0' } as const;

t.test('a quantized model answers like the one it was made from', async (t) => {
  const folder = t.testdir({ home: {} });
  const output = path.join(folder, 'quantized');
  const progress: number[] = [];
  const { directory, weightBytes } = await quantizeModel('shoal-tiny-chat', output, {
    storage: q8,
    onProgress: ({ writtenBytes, totalBytes }) => progress.push(writtenBytes / totalBytes),
  });
  t.equal(progress.at(-1), 1);
  t.same(
    progress,
    progress.toSorted((left, right) => left - right),
    'progress only grows',
  );
  const config = JSON.parse(readFileSync(path.join(directory, 'config.json'), 'utf8'));
  t.match(config.quantization_config, { quant_method: 'shoal', matrix: 'q8_0', embedding: 'q8_0' });
  {
    using before = new SafetensorsCheckpoint(shipped);
    using after = new SafetensorsCheckpoint(directory);
    let bytes = 0;
    for (const [name, { storage, shape, byteLength }] of after.tensors) {
      const original = before.tensors.get(name);
      t.same(shape, original?.shape, `the shape of ${name}`);
      t.equal(storage, shape.length === 2 ? 'q8_0' : original?.storage, `the type of ${name}`);
      bytes += byteLength;
    }
    t.equal(bytes, weightBytes);
  }

  await using cluster = await createCluster({ home: path.join(folder, 'home') });
  const whole = await cluster.load(directory);
  t.match(whole.plan.storage, { matrix: 'as-stored' });
  t.equal((await whole.chat(question, { seed: 1 }).result).text, answer);
  const stored = await whole.generate('12 + 30', { maximumTokens: 8, temperature: 0 }).result;
  await whole.unload();
  // Loading with quantization and loading what was quantized compute with the same bits.
  const loaded = await cluster.load('shoal-tiny-chat', { storage: q8 });
  t.same((await loaded.generate('12 + 30', { maximumTokens: 8, temperature: 0 }).result).tokens, stored.tokens);
});

t.test('what cannot be written is refused, and nothing is left behind', async (t) => {
  const parent = t.testdir({ occupied: { 'a.txt': 'mine' } });
  const occupied = path.join(parent, 'occupied');
  await t.rejects(quantizeModel('shoal-tiny-chat', occupied, { storage: q8 }), {
    code: 'ARGUMENT_INVALID',
    message: /not empty/,
  });
  t.same(readdirSync(occupied), ['a.txt']);

  // Its rows are not made of blocks of 256.
  const folder = path.join(parent, 'out');
  const wide = { matrix: 'q6_k', embedding: 'q6_k' } as const;
  await t.rejects(quantizeModel('shoal-tiny-chat', folder, { storage: wide }), {
    code: 'PROGRAM_STORAGE_BLOCK',
    message: /blocks of 256 elements of q6_k/,
  });
  t.notOk(existsSync(folder));

  await t.rejects(quantizeModel('no-such-model', folder, { storage: q8 }), { code: 'MODEL_NOT_FOUND' });

  const abort = new AbortController();
  const stopped = quantizeModel('shoal-tiny-chat', folder, {
    storage: q8,
    signal: abort.signal,
    onProgress: () => abort.abort(),
  });
  // A small model may be finished before it hears.
  await stopped.then(
    () => t.ok(existsSync(folder)),
    (thrown) => {
      t.match(thrown, { code: 'ABORTED' });
      t.notOk(existsSync(folder));
    },
  );
});

t.test('other programs’ quantized checkpoints are refused by name', async (t) => {
  const folder = t.testdir({});
  const directory = path.join(folder, 'model');
  await cp(shipped, directory, { recursive: true });
  const file = path.join(directory, 'config.json');
  const config = JSON.parse(readFileSync(file, 'utf8'));
  await writeFile(file, JSON.stringify({ ...config, quantization_config: { quant_method: 'gptq', bits: 4 } }));
  await t.rejects(quantizeModel(directory, path.join(folder, 'out'), { storage: q8 }), {
    code: 'MODEL_ARCHITECTURE_UNSUPPORTED',
    message: /quantized by gptq/,
  });
});
