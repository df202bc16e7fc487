import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TextTokenizer } from '@shoal/core';
import t from 'tap';
import { byteFallbackTokenizer, byteLevelTokenizer, writeModel } from './tokenizers.js';

const checkpoints = fileURLToPath(new URL('../../../../test/fixtures/checkpoints/', import.meta.url));
const sample = 'hello, wörld! 你好 👋🏽\n\ttabs  and spaces ';

t.test('byte-level: text becomes ids and ids become text', async (t) => {
  const folder = writeModel(t.testdir({}), { 'tokenizer.json': byteLevelTokenizer() });
  const tokenizer = await TextTokenizer.load(folder);
  t.same([...tokenizer.encode('hello', { addSpecialTokens: false })], [256, 257, 111]);
  t.same([...tokenizer.encode('hello')], [300, 256, 257, 111], 'with what stands around every text');
  t.same([...tokenizer.encode('<|user|>hi', { addSpecialTokens: false })], [302, 104, 105]);
  t.equal(tokenizer.decode(tokenizer.encode(sample)), sample);
  t.equal(tokenizer.decode([300, 104, 301], { skipSpecialTokens: false }), '<|begin|>h<|end|>');
  t.equal(tokenizer.decode([]), '');
  t.equal(tokenizer.decode([104, 290, 100_000, 105]), 'hi', 'ids of padding have no text');
  t.equal(tokenizer.vocabularySize, 303);
  t.equal(tokenizer.decode([32, 46]), ' .', 'spaces are not cleaned up');
});

t.test('stop tokens come from the nearest file that has them', async (t) => {
  const folder = t.testdir({});
  const definition = byteLevelTokenizer();
  const cases = [
    { files: {}, stop: [] },
    { files: { 'tokenizer_config.json': { eos_token: '<|end|>' } }, stop: [301] },
    { files: { 'tokenizer_config.json': { eos_token: { content: '<|end|>' } } }, stop: [301] },
    { files: { 'tokenizer_config.json': { eos_token: '<|end|>' }, 'config.json': { eos_token_id: 7 } }, stop: [7] },
    { files: { 'config.json': { eos_token_id: 7 }, 'generation_config.json': { eos_token_id: [8, 9] } }, stop: [8, 9] },
    { files: { 'generation_config.json': { eos_token_id: null }, 'config.json': { eos_token_id: [3] } }, stop: [3] },
  ];
  for (const [index, { files, stop }] of cases.entries()) {
    const model = writeModel(join(folder, String(index)), { 'tokenizer.json': definition, ...files });
    t.same((await TextTokenizer.load(model)).stopTokens, stop, JSON.stringify(files));
  }
});

t.test('a stream gives the same text as decoding at once, and no broken characters on the way', async (t) => {
  const folder = t.testdir({});
  const definitions = { 'byte-level': byteLevelTokenizer(), 'byte fallback': byteFallbackTokenizer() };
  const texts = [sample, 'an anna, banana!', '👩‍👩‍👧‍👦 é ß', '\uFFFD genuine', '   leading'];
  for (const [name, definition] of Object.entries(definitions)) {
    const tokenizer = await TextTokenizer.load(writeModel(join(folder, name), { 'tokenizer.json': definition }));
    for (const text of texts) {
      const ids = [...tokenizer.encode(text, { addSpecialTokens: false })];
      const stream = tokenizer.stream();
      const pieces = ids.map((id) => stream.push(id));
      const whole = pieces.join('') + stream.flush();
      t.equal(whole, tokenizer.decode(ids), `${name}: ${JSON.stringify(text)}`);
      if (!text.includes('\uFFFD')) t.notOk(pieces.some((piece) => piece.includes('\uFFFD')));
    }
  }
});

t.test('special tokens in the middle change no text around them', async (t) => {
  const folder = writeModel(t.testdir({}), { 'tokenizer.json': byteFallbackTokenizer() });
  const tokenizer = await TextTokenizer.load(folder);
  const [a, space, b] = [tokenizer.tokenId('a') ?? 0, tokenizer.tokenId('▁') ?? 0, tokenizer.tokenId('b') ?? 0];
  const ids = [1, space, a, 2, space, b];
  const stream = tokenizer.stream();
  t.equal(ids.map((id) => stream.push(id)).join('') + stream.flush(), tokenizer.decode(ids));
});

t.test('broken bytes are shown in the end and do not grow without bound', async (t) => {
  const folder = writeModel(t.testdir({}), { 'tokenizer.json': byteLevelTokenizer() });
  const tokenizer = await TextTokenizer.load(folder);
  const cut = tokenizer.stream();
  t.equal(cut.push(0x61), 'a');
  t.equal(cut.push(0xe4), '', 'the first byte of three');
  t.equal(cut.flush(), '\uFFFD');

  const garbage = tokenizer.stream();
  let text = '';
  for (let index = 0; index < 1000; index += 1) text += garbage.push(0xff);
  text += garbage.push(0x62);
  t.equal(text + garbage.flush(), `${'\uFFFD'.repeat(1000)}b`);
});

t.test('tokenizers of checkpoints', async (t) => {
  const tokenizer = await TextTokenizer.load(join(checkpoints, 'llama-grouped-query'));
  const ids = tokenizer.encode('Hello, world!');
  t.equal(tokenizer.decode(ids), 'Hello, world!');
  t.ok(tokenizer.stopTokens.length > 0);
});

t.test('missing and broken files are coded errors', async (t) => {
  const folder = t.testdir({
    empty: {},
    syntax: { 'tokenizer.json': '{' },
    modelless: { 'tokenizer.json': '{}' },
    strange: { 'tokenizer.json': '{"model":{"type":"Sudoku"},"added_tokens":[]}' },
  });
  for (const [name, message] of [
    ['empty', /has no tokenizer\.json/],
    ['syntax', /not valid JSON/],
    ['modelless', /tokenizer\.json: /],
    ['strange', /tokenizer\.json: /],
  ] as const) {
    await t.rejects(TextTokenizer.load(join(folder, name)), { code: 'MODEL_TOKENIZER_INVALID', message }, name);
  }
});
