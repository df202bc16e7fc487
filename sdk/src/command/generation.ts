import type { Cluster, Generation, LoadedModel } from '../index.js';
import type { OptionSpecification, ParsedOptions } from './command.js';
import { parseLoadOptions } from './session.js';
import type { Terminal } from './terminal.js';

export const generationOptions: readonly OptionSpecification[] = [
  { name: 'max-tokens', value: 'N', description: 'Longest answer in tokens (default: 512).' },
  { name: 'temperature', value: 'T', description: '0 picks the likeliest token (default); higher is more varied.' },
  { name: 'top-p', value: 'P', description: 'Sample from the likeliest tokens that together have probability P.' },
  { name: 'top-k', value: 'K', description: 'Sample from the K likeliest tokens.' },
  { name: 'seed', value: 'S', description: 'Seed of sampling: the same seed under the same plan gives the same text.' },
];

/** Generation options as the SDK takes them. */
export function parseGenerationOptions(options: ParsedOptions) {
  const values = {
    maximumTokens: options.number('max-tokens', { minimum: 1, integer: true }),
    temperature: options.number('temperature', { minimum: 0 }),
    topP: options.number('top-p', { minimum: 0, maximum: 1 }),
    topK: options.number('top-k', { minimum: 1, integer: true }),
    seed: options.number('seed', { minimum: 0, maximum: 2 ** 32 - 1, integer: true }),
  };
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined));
}

/** Loads a model with progress on the terminal. */
export async function loadModel(
  cluster: Cluster,
  model: string,
  options: ParsedOptions,
  terminal: Terminal,
  signal: AbortSignal,
): Promise<LoadedModel> {
  const loadOptions = parseLoadOptions(options);
  try {
    return await cluster.load(model, {
      ...loadOptions,
      onProgress: ({ loadedBytes, totalBytes }) => {
        terminal.progress(`loading ${model}`, totalBytes === 0 ? 1 : loadedBytes / totalBytes);
      },
      signal,
    });
  } finally {
    terminal.clearProgress();
  }
}

/** Prints an answer as it comes, or one JSON document when it is complete. */
export async function printGeneration(
  generation: Generation,
  model: LoadedModel,
  terminal: Terminal,
  asJson: boolean,
): Promise<void> {
  for await (const part of generation) {
    if (!asJson) terminal.write(part.text);
  }
  const result = await generation.result;
  if (asJson) {
    terminal.json({ model: model.plan.modelName, ...result, plan: model.plan });
    return;
  }
  terminal.line();
  const { promptTokens, generatedTokens } = result.usage;
  const { timeToFirstTokenMilliseconds, tokensPerSecond } = result.timings;
  const speed = tokensPerSecond === undefined ? '' : `, ${tokensPerSecond.toFixed(1)} tokens/s`;
  const first = `${Math.round(timeToFirstTokenMilliseconds)} ms to the first token`;
  terminal.note(`${promptTokens} prompt + ${generatedTokens} generated tokens, ${first}${speed}`);
}
