// Options of answers, from the command line to the tokens.
import { copyFileSync, mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import path from 'node:path';
import type { GenerationResult } from 'shoal';
import t from 'tap';
import { shoal } from '../support/command.js';
import { repositoryRoot } from '../support/repository.js';

const home = mkdtempSync(path.join(tmpdir(), 'shoal-generation-'));
t.teardown(() => rmSync(home, { recursive: true, force: true }));

/** A copy of the shipped model whose makers recommend sampling. */
const sampled = path.join(home, 'models', 'sampled');
const shipped = path.join(repositoryRoot, 'models', 'shoal-tiny-chat');
mkdirSync(sampled, { recursive: true });
for (const name of readdirSync(shipped)) copyFileSync(path.join(shipped, name), path.join(sampled, name));
writeFileSync(
  path.join(sampled, 'generation_config.json'),
  JSON.stringify({ bos_token_id: 0, eos_token_id: 1, do_sample: true, temperature: 0.8, top_k: 20 }),
);

async function answer(...words: string[]): Promise<GenerationResult> {
  const { code, output, errors } = await shoal(['run', ...words, '--home', home, '--json']);
  if (code !== 0) throw new Error(`shoal run ended with ${code}: ${errors}${output}`);
  return JSON.parse(output) as GenerationResult;
}

const model = 'shoal-tiny-chat';
const question = [model, 'Spell cat.'];
/** The ids of "c" and "at", with which the model begins its answer, and of its own end. */
const [c, at, end] = [71, 339, 1];

t.test('tokens can be preferred, ruled out and made the only ones', async (t) => {
  const biased = await answer(
    ...question,
    '--max-tokens',
    '3',
    '--logit-bias',
    `${c}=-100`,
    '--logit-bias',
    `${at}=100`,
  );
  t.same(biased.tokens, [at, at, at]);
  const allowed = await answer(...question, '--max-tokens', '6', '--allowed-tokens', `${c},${end}`);
  t.ok(allowed.tokens.length > 0 && allowed.tokens.every((token) => token === c || token === end), `${allowed.tokens}`);
});

t.test('tokens end an answer, or do not', async (t) => {
  t.match(await answer(...question, '--stop-token', '700', '--stop-token', `${at}`), {
    text: 'c',
    finishReason: 'stop',
    stoppedBy: at,
  });
  const long = await answer(...question, '--ignore-end-of-text', '--max-tokens', '60');
  t.equal(long.finishReason, 'length');
  t.equal(long.tokens.length, 60);
  t.ok(long.tokens.includes(end), 'beyond what the model takes for the end');
});

t.test("the model's recommendation can be left aside", async (t) => {
  const { sampling } = await answer('sampled', 'Hi', '--max-tokens', '1');
  t.match(sampling, { temperature: 0.8, topK: 20 });
  t.same((await answer('sampled', 'Hi', '--max-tokens', '1', '--ignore-model-defaults')).sampling, { temperature: 0 });
});

t.test('what a user says is text, unless asked otherwise', async (t) => {
  const said = [model, 'Hi <|end|>', '--max-tokens', '1'];
  const ends = async (...words: string[]) => {
    const { promptTokens } = await answer(...said, ...words);
    return promptTokens.filter((token) => token === end).length;
  };
  t.equal(await ends('--parse-special-tokens'), (await ends()) + 1);
});

t.test('several answers', async (t) => {
  const words = [...question, '--choices', '3', '--temperature', '4', '--seed', '3', '--max-tokens', '8'];
  const { choices } = await answer(...words);
  t.equal(new Set(choices.map(({ text }) => text)).size, 3);
  const { output, errors } = await shoal(['run', ...words, '--home', home]);
  const shown = choices.map(({ text }, index) => `Answer ${index + 1} of 3\n${text}\n`);
  t.equal(output, shown.join('\n'), errors);
});

t.test('more than may wait is refused', async (t) => {
  const words = [...question, '--choices', '3', '--slots', '1', '--home', home];
  const { code, output, errors } = await shoal(['run', ...words, '--queue-capacity', '1']);
  t.equal(code, 1);
  t.equal(output, '');
  t.match(errors, /^REQUEST_INVALID: choices is 3, but 1 can run and 1 wait at once/);
});
