import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { TextTokenizer } from '@shoal/core';
import t from 'tap';
import { writeModel } from './tokenizers.js';

/** Made by make_tokenizers.py: what the Python library `tokenizers` says of each kind. */
interface Cases {
  readonly tokenizer: object;
  /** `plain`: ids when special tokens are taken as text and nothing is put around; absent when they are the same. */
  readonly texts: readonly { readonly text: string; readonly ids: number[]; readonly plain?: number[] }[];
  readonly decoded: readonly { readonly ids: number[]; readonly text: string }[];
}

const folder = fileURLToPath(new URL('../../../../test/fixtures/tokenizers/', import.meta.url));

for (const file of readdirSync(folder)) {
  t.test(`as the reference: ${file}`, async (t) => {
    const { tokenizer: definition, texts, decoded } = JSON.parse(readFileSync(join(folder, file), 'utf8')) as Cases;
    const tokenizer = await TextTokenizer.load(writeModel(t.testdir({}), { 'tokenizer.json': definition }));
    const plain = { addSpecialTokens: false, parseSpecialTokens: false };
    t.same(
      texts.map(({ text }) => ({ text, ids: [...tokenizer.encode(text)], plain: [...tokenizer.encode(text, plain)] })),
      texts.map(({ text, ids, plain = ids }) => ({ text, ids, plain })),
      'ids',
    );
    const whole = (skipSpecialTokens: boolean) =>
      decoded.map(({ ids }) => tokenizer.decode(ids, { skipSpecialTokens }));
    t.same(
      whole(false),
      decoded.map(({ text }) => text),
      'text',
    );
    for (const skipSpecialTokens of [true, false]) {
      const streamed = decoded.map(({ ids }) => {
        const stream = tokenizer.stream({ skipSpecialTokens });
        return ids.map((id) => stream.push(id)).join('') + stream.flush();
      });
      t.same(streamed, whole(skipSpecialTokens), 'a stream gives the same text as decoding at once');
    }
  });
}
