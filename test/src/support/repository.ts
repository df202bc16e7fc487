import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

/** Root of the repository, found from the compiled test upwards. */
export const repositoryRoot = (() => {
  let folder = dirname(fileURLToPath(import.meta.url));
  while (!existsSync(join(folder, 'plugins.json'))) folder = dirname(folder);
  return folder;
})();

/** The command as a script for a JavaScript runtime. */
export const commandScript = join(repositoryRoot, 'sdk', 'dist', 'command', 'main.js');

/** What transformers answered to a prompt of token ids. */
export interface ExpectedPrompt {
  readonly ids: readonly number[];
  /** Last position, F32, every vocabulary entry. */
  readonly logits: readonly number[];
  readonly greedy: { readonly tokens: readonly number[]; readonly margins: readonly number[] };
}

export interface FixtureCheckpoint {
  readonly name: string;
  readonly directory: string;
  readonly layerCount: number;
  readonly prompts: readonly ExpectedPrompt[];
}

/** The small random checkpoints with the answers of an independent implementation. */
export function fixtureCheckpoints(): readonly FixtureCheckpoint[] {
  const folder = join(repositoryRoot, 'test', 'fixtures', 'checkpoints');
  return readdirSync(folder).map((name) => {
    const directory = join(folder, name);
    const read = (file: string): unknown => JSON.parse(readFileSync(join(directory, file), 'utf8'));
    const { prompts } = read('expected.json') as { prompts: ExpectedPrompt[] };
    const { num_hidden_layers: layerCount } = read('config.json') as { num_hidden_layers: number };
    return { name, directory, layerCount, prompts };
  });
}

/** A conversation and the one right answer to its last message. */
export interface EvaluationQuestion {
  readonly messages: readonly { readonly role: 'system' | 'user' | 'assistant'; readonly content: string }[];
  readonly expected: string;
}

/** Held-out conversations that the shipped model answers rightly. */
export function evaluationQuestions(): readonly EvaluationQuestion[] {
  const path = join(repositoryRoot, 'models', 'evaluation', 'questions.json');
  return JSON.parse(readFileSync(path, 'utf8')) as EvaluationQuestion[];
}
