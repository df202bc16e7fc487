import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';

/** The 256 characters by which byte-level BPE writes bytes: printable Latin-1 as itself, the rest from U+0100 on. */
export function byteCharacters(): readonly string[] {
  const characters: string[] = [];
  let next = 0x100;
  for (let byte = 0; byte < 256; byte += 1) {
    const printable = (byte >= 0x21 && byte <= 0x7e) || (byte >= 0xa1 && byte <= 0xac) || byte >= 0xae;
    characters.push(String.fromCodePoint(printable ? byte : next));
    if (!printable) next += 1;
  }
  return characters;
}

const special = (id: number, content: string) => ({
  id,
  content,
  special: true,
  single_word: false,
  lstrip: false,
  rstrip: false,
  normalized: false,
});

/** Byte-level BPE as of Llama 3: id = byte for single bytes, two merges, three special tokens. */
export function byteLevelTokenizer(): object {
  const vocabulary = Object.fromEntries(byteCharacters().map((character, byte) => [character, byte]));
  return {
    version: '1.0',
    added_tokens: [special(300, '<|begin|>'), special(301, '<|end|>'), special(302, '<|user|>')],
    normalizer: null,
    pre_tokenizer: { type: 'ByteLevel', add_prefix_space: false, trim_offsets: true, use_regex: true },
    post_processor: {
      type: 'TemplateProcessing',
      single: [{ SpecialToken: { id: '<|begin|>', type_id: 0 } }, { Sequence: { id: 'A', type_id: 0 } }],
      pair: [{ Sequence: { id: 'A', type_id: 0 } }, { Sequence: { id: 'B', type_id: 1 } }],
      special_tokens: { '<|begin|>': { id: '<|begin|>', ids: [300], tokens: ['<|begin|>'] } },
    },
    decoder: { type: 'ByteLevel', add_prefix_space: true, trim_offsets: true, use_regex: true },
    model: {
      type: 'BPE',
      dropout: null,
      unk_token: null,
      fuse_unk: false,
      byte_fallback: false,
      vocab: { ...vocabulary, he: 256, ll: 257 },
      merges: ['h e', 'l l'],
    },
  };
}

/** BPE with spaces as ▁ and byte fallback, as of Llama 2. */
export function byteFallbackTokenizer(): object {
  const bytes = Array.from({ length: 256 }, (_, byte) => `<0x${byte.toString(16).toUpperCase().padStart(2, '0')}>`);
  const letters = [...'▁abcdefghijklmnopqrstuvwxyz.,!'];
  const vocabulary = Object.fromEntries(['<unk>', '<s>', '</s>', ...bytes, ...letters].map((token, id) => [token, id]));
  return {
    version: '1.0',
    added_tokens: [special(0, '<unk>'), special(1, '<s>'), special(2, '</s>')],
    normalizer: {
      type: 'Sequence',
      normalizers: [
        { type: 'Prepend', prepend: '▁' },
        { type: 'Replace', pattern: { String: ' ' }, content: '▁' },
      ],
    },
    pre_tokenizer: null,
    post_processor: null,
    decoder: {
      type: 'Sequence',
      decoders: [
        { type: 'Replace', pattern: { String: '▁' }, content: ' ' },
        { type: 'ByteFallback' },
        { type: 'Fuse' },
        { type: 'Strip', content: ' ', start: 1, stop: 0 },
      ],
    },
    model: {
      type: 'BPE',
      unk_token: '<unk>',
      fuse_unk: true,
      byte_fallback: true,
      vocab: { ...vocabulary, '▁a': 300, an: 301 },
      merges: ['▁ a', 'a n'],
    },
  };
}

/** Writes files, objects as JSON, into a new folder. */
export function writeModel(folder: string, files: Readonly<Record<string, object | string>>): string {
  mkdirSync(folder, { recursive: true });
  for (const [name, content] of Object.entries(files)) {
    writeFileSync(join(folder, name), typeof content === 'string' ? content : JSON.stringify(content));
  }
  return folder;
}
