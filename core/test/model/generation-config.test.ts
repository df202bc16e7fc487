import { join } from 'node:path';
import { readGenerationConfig } from '@shoal/core';
import t from 'tap';
import { writeModel } from './tokenizers.js';

t.test('stop tokens are those of the files and the tokenizer together', async (t) => {
  const folder = t.testdir({});
  const cases = [
    { files: {}, end: undefined, stop: [] },
    { files: {}, end: 301, stop: [301] },
    { files: { 'config.json': { eos_token_id: 7 } }, end: 301, stop: [7, 301] },
    { files: { 'config.json': { eos_token_id: 7 }, 'generation_config.json': { eos_token_id: [8, 9] } }, stop: [8, 9] },
    { files: { 'generation_config.json': { eos_token_id: [8, 9] } }, end: 9, stop: [8, 9] },
    { files: { 'generation_config.json': { eos_token_id: null }, 'config.json': { eos_token_id: [3] } }, stop: [3] },
    { files: { 'config.json': { eos_token_id: [3, -1, 'x', 2.5] } }, stop: [3] },
  ];
  for (const [index, { files, end, stop }] of cases.entries()) {
    const model = writeModel(join(folder, String(index)), files);
    t.same((await readGenerationConfig(model, end)).stopTokens, stop, JSON.stringify(files));
  }
});

t.test('sampling is what the model recommends, and greedy unless it says do_sample', async (t) => {
  const folder = t.testdir({});
  const cases = [
    [{}, { temperature: 0 }],
    [{ temperature: 0.6, top_p: 0.9 }, { temperature: 0 }],
    [
      { do_sample: false, top_k: 20, repetition_penalty: 1.1 },
      { temperature: 0, repetitionPenalty: 1.1 },
    ],
    [{ do_sample: true }, { temperature: 1 }],
    [
      { do_sample: true, temperature: 0.6, top_k: 20, top_p: 0.95, min_p: 0.05, repetition_penalty: 1 },
      { temperature: 0.6, topK: 20, topP: 0.95, minP: 0.05 },
    ],
    [{ do_sample: true, top_k: 0, top_p: null, max_length: 20, max_new_tokens: 5 }, { temperature: 1 }],
  ] as const;
  for (const [index, [config, defaults]] of cases.entries()) {
    const model = writeModel(join(folder, String(index)), { 'generation_config.json': config });
    t.same((await readGenerationConfig(model)).defaults, defaults, JSON.stringify(config));
  }
});

t.test('values out of range and broken files are coded errors that name them', async (t) => {
  const folder = t.testdir({});
  const cases = [
    [{ do_sample: true, temperature: -1 }, /temperature is -1/],
    [{ do_sample: true, temperature: '0.6' }, /temperature is "0\.6"/],
    [{ do_sample: true, top_p: 1.5 }, /top_p is 1\.5/],
    [{ do_sample: true, min_p: [0.1] }, /min_p is \[0\.1\]/],
    [{ do_sample: true, top_k: 2.5 }, /top_k is 2\.5/],
    [{ repetition_penalty: 0 }, /repetition_penalty is 0/],
    ['{"temperature": 0.6', /not valid JSON/],
    ['[]', /does not hold a JSON object/],
  ] as const;
  for (const [index, [config, message]] of cases.entries()) {
    const model = writeModel(join(folder, String(index)), { 'generation_config.json': config });
    await t.rejects(readGenerationConfig(model), { code: 'MODEL_CONFIG_INVALID', message }, JSON.stringify(config));
  }
});
