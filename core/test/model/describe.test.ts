import { cpSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { describeModel, resolveModelDirectory } from '@shoal/core';
import t from 'tap';

const checkpoints = fileURLToPath(new URL('../../../../test/fixtures/checkpoints/', import.meta.url));

/** A safetensors file of F32 tensors that are all zero. */
function safetensors(shapes: Readonly<Record<string, readonly number[]>>): Buffer {
  let offset = 0;
  const entries = Object.entries(shapes).map(([name, shape]) => {
    const bytes = shape.reduce((product, size) => product * size, 4);
    offset += bytes;
    return [name, { dtype: 'F32', shape, data_offsets: [offset - bytes, offset] }] as const;
  });
  const header = Buffer.from(JSON.stringify(Object.fromEntries(entries)));
  const length = Buffer.alloc(8);
  length.writeBigUInt64LE(BigInt(header.length));
  return Buffer.concat([length, header, Buffer.alloc(offset)]);
}

t.test('a checkpoint is described by its configuration and headers', async (t) => {
  const model = await describeModel(join(checkpoints, 'llama-grouped-query'));
  t.equal(model.name, 'llama-grouped-query');
  t.same(model.config.architectures, ['LlamaForCausalLM']);
  const config = model.config as { vocab_size?: number; hidden_size?: number };
  t.match(model.tensors.get('model.embed_tokens.weight'), {
    storage: 'f16',
    shape: [config.vocab_size, config.hidden_size],
    byteLength: (config.vocab_size ?? 0) * (config.hidden_size ?? 0) * 2,
  });
  t.match(model.digest, /^[0-9a-f]{64}$/);
});

t.test('the digest is that of the content, not of the files', async (t) => {
  const folder = t.testdir({
    one: { 'config.json': '{"architectures":["X"],"a":1}', 'tokenizer.json': '{}' },
    split: { 'config.json': '{ "a": 1,\n "architectures": ["X"] }', 'tokenizer.json': '{}' },
    reshaped: { 'config.json': '{"architectures":["X"],"a":1}', 'tokenizer.json': '{}' },
    tokenizer: { 'config.json': '{"architectures":["X"],"a":1}', 'tokenizer.json': '{"version":"1.0"}' },
  });
  const whole = safetensors({ first: [2, 3], second: [4] });
  writeFileSync(join(folder, 'one/model.safetensors'), whole);
  writeFileSync(join(folder, 'tokenizer/model.safetensors'), whole);
  writeFileSync(join(folder, 'reshaped/model.safetensors'), safetensors({ first: [3, 2], second: [4] }));
  writeFileSync(join(folder, 'split/b.safetensors'), safetensors({ second: [4] }));
  writeFileSync(join(folder, 'split/a.safetensors'), safetensors({ first: [2, 3] }));
  const map = { second: 'b.safetensors', first: 'a.safetensors' };
  writeFileSync(join(folder, 'split/model.safetensors.index.json'), JSON.stringify({ weight_map: map }));

  const digests = new Map<string, string>();
  for (const name of ['one', 'split', 'reshaped', 'tokenizer']) {
    digests.set(name, (await describeModel(join(folder, name))).digest);
  }
  t.equal(digests.get('split'), digests.get('one'));
  t.not(digests.get('reshaped'), digests.get('one'));
  t.not(digests.get('tokenizer'), digests.get('one'));
});

t.test('broken models have coded errors', async (t) => {
  const folder = t.testdir({
    empty: {},
    syntax: { 'config.json': '{' },
    list: { 'config.json': '[]' },
    architectures: { 'config.json': '{"architectures": "Llama"}' },
    weightless: { 'config.json': '{}' },
    escaping: {
      'config.json': '{}',
      'model.safetensors.index.json': '{"weight_map": {"x": "../empty/model.safetensors"}}',
    },
  });
  cpSync(join(checkpoints, 'llama-grouped-query'), join(folder, 'truncated'), { recursive: true });
  const weights = join(folder, 'truncated/model.safetensors');
  writeFileSync(weights, readFileSync(weights).subarray(0, 5000));
  const cases = [
    ['empty', 'MODEL_NOT_FOUND', /it has no config\.json/],
    ['absent', 'MODEL_NOT_FOUND', /it has no config\.json/],
    ['syntax', 'MODEL_CONFIG_INVALID', /not valid JSON/],
    ['list', 'MODEL_CONFIG_INVALID', /does not hold a JSON object/],
    ['architectures', 'MODEL_CONFIG_INVALID', /"architectures" is not a list of names/],
    ['weightless', 'MODEL_NOT_FOUND', /model\.safetensors/],
    ['escaping', 'MODEL_CHECKPOINT_INVALID', /not the name of a file in the same folder/],
    ['truncated', 'MODEL_CHECKPOINT_INVALID', /model\.safetensors/],
  ] as const;
  for (const [name, code, message] of cases) {
    await t.rejects(describeModel(join(folder, name)), { code, message }, name);
  }
});

t.test('a model is found by path or by name', async (t) => {
  const folder = t.testdir({
    home: { small: { 'config.json': '{}' }, meta: { large: { 'config.json': '{}' } } },
    shipped: { small: { 'config.json': '{}' }, tiny: { 'config.json': '{}' } },
    here: { local: { 'config.json': '{}' } },
    outside: { 'config.json': '{}' },
  });
  const options = {
    libraries: [join(folder, 'home'), join(folder, 'shipped')],
    workingDirectory: join(folder, 'here'),
  };
  const cases = [
    ['small', 'home/small'],
    ['tiny', 'shipped/tiny'],
    ['meta/large', 'home/meta/large'],
    ['local', 'here/local'],
    ['./local', 'here/local'],
    ['../outside', 'outside'],
    [join(folder, 'outside'), 'outside'],
  ] as const;
  for (const [model, expected] of cases) {
    t.equal(await resolveModelDirectory(model, options), join(folder, expected), model);
  }
  await t.rejects(resolveModelDirectory('nothing', options), {
    code: 'MODEL_NOT_FOUND',
    message: new RegExp(['home', 'shipped', 'here'].map((place) => `\\n {2}.*${place}.nothing`).join('')),
  });
  await t.rejects(resolveModelDirectory('  ', options), { code: 'ARGUMENT_INVALID' });
});
