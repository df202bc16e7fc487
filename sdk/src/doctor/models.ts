/** The models that can be asked for by name, and whether text can be made of what they say. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { ChatTemplate, ShoalError, TextTokenizer } from '@shoal/core';
import { type LibraryModel, listModels } from '../model-library.js';
import { type Finding, ok, problem, warning } from './finding.js';

export async function modelFindings(home: string): Promise<Finding[]> {
  // What others fetched may be of any kind, and is no fault of this home.
  const models = await listModels({ home, fetchedByOthers: false });
  if (models.length === 0) {
    const remedy = `Put a checkpoint folder into ${join(home, 'models')}.`;
    return [warning('model', '(none)', 'no model is known by name', remedy)];
  }
  const findings: Finding[] = [];
  // One after the other: a tokenizer with a large vocabulary takes hundreds of megabytes while it is read.
  for (const model of models) findings.push(await modelFinding(model));
  return findings;
}

async function modelFinding({ name, architecture, weightBytes, digest, directory, problem: wrong }: LibraryModel) {
  if (wrong)
    return problem('model', name, `${wrong.code}: ${wrong.message}`, `Fetch ${directory} again, or delete it.`);
  if (!existsSync(join(directory, 'tokenizer.json'))) {
    const message = 'has no tokenizer.json: it takes token ids alone, no text';
    return warning('model', name, message, `Fetch tokenizer.json of the model into ${directory}.`);
  }
  const size = `${((weightBytes ?? 0) / 2 ** 20).toFixed(0)} MiB`;
  const known = `${architecture}, ${size}, digest ${digest?.slice(0, 12)}`;
  try {
    const { vocabularySize, specialTokens } = await TextTokenizer.load(directory);
    const template = await ChatTemplate.load(directory, specialTokens);
    const chat = template ? 'a chat template' : 'no chat template: prompts alone, no conversations';
    return ok('model', name, `${known}, ${vocabularySize} tokens, ${chat}`);
  } catch (thrown) {
    const { code, message, remedy } = ShoalError.from(thrown, 'MODEL_TOKENIZER_INVALID');
    return problem('model', name, `${code}: ${message}`, remedy);
  }
}
