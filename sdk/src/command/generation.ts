import type { Cluster, Generation, LoadedModel } from '../index.js';
import type { ArgumentSpecification, OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';
import { LoadProgressDisplay } from './progress.js';
import { parseLoadOptions } from './session.js';
import type { Terminal } from './terminal.js';

const section = 'Answer';

export const generationOptions: readonly OptionSpecification[] = [
  {
    name: 'max-tokens',
    value: 'N',
    number: { minimum: 1, integer: true },
    description: 'Longest answer in tokens.',
    default: '512',
    section,
  },
  {
    name: 'temperature',
    value: 'T',
    number: { minimum: 0 },
    description: '0 picks the likeliest token; higher is more varied.',
    default: "the model's, else 0",
    section,
  },
  {
    name: 'top-p',
    value: 'P',
    number: { minimum: 0, maximum: 1 },
    description: 'Sample from the likeliest tokens that together have probability P.',
    section,
  },
  {
    name: 'top-k',
    value: 'K',
    number: { minimum: 1, integer: true },
    description: 'Sample from the K likeliest tokens.',
    section,
  },
  {
    name: 'min-p',
    value: 'P',
    number: { minimum: 0, maximum: 1 },
    description: 'Leave out tokens less likely than P times the likeliest.',
    section,
  },
  {
    name: 'repetition-penalty',
    value: 'R',
    number: { minimum: 0 },
    description: 'Above 1 makes tokens of the prompt and the answer less likely.',
    section,
  },
  {
    name: 'presence-penalty',
    value: 'P',
    number: { minimum: -2, maximum: 2 },
    description: 'Makes tokens that the answer has had less likely.',
    section,
  },
  {
    name: 'frequency-penalty',
    value: 'P',
    number: { minimum: -2, maximum: 2 },
    description: 'The same for every time that the answer has had them.',
    section,
  },
  {
    name: 'logprobs',
    value: 'N',
    number: { minimum: 0, maximum: 20, integer: true },
    description: 'With --json: log-probabilities of each token and of the N likeliest in its place.',
    section,
  },
  {
    name: 'seed',
    value: 'S',
    number: { minimum: 0, maximum: 2 ** 32 - 1, integer: true },
    description: 'Seed of sampling: the same seed under the same plan gives the same text.',
    default: 'random',
    section,
  },
  {
    name: 'stop',
    value: 'TEXT',
    multiple: true,
    description: 'End the answer before this text.',
    section,
  },
];

export const modelArgument: ArgumentSpecification = {
  name: 'MODEL',
  description:
    'A folder with a Hugging Face checkpoint (config.json, *.safetensors, tokenizer.json), or the name of one in SHOAL_HOME/models.',
  completes: 'model',
};

export const systemOption: OptionSpecification = {
  name: 'system',
  value: 'TEXT',
  description: 'System message: how the model should behave.',
  section,
};

/** Generation options as the SDK takes them. */
export function parseGenerationOptions(options: ParsedOptions) {
  const values = {
    maximumTokens: options.number('max-tokens'),
    temperature: options.number('temperature'),
    topP: options.number('top-p'),
    topK: options.number('top-k'),
    minP: options.number('min-p'),
    repetitionPenalty: options.number('repetition-penalty'),
    presencePenalty: options.number('presence-penalty'),
    frequencyPenalty: options.number('frequency-penalty'),
    logProbabilities: options.number('logprobs'),
    seed: options.number('seed'),
    stop: options.list('stop').length === 0 ? undefined : options.list('stop'),
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
  const display = new LoadProgressDisplay(terminal, model);
  try {
    return await cluster.load(model, {
      ...loadOptions,
      onProgress: (progress) => display.update(progress),
      signal,
    });
  } finally {
    display.close();
  }
}

/** Prints an answer as it comes, or one JSON document when it is complete. */
export async function printGeneration(generation: Generation, model: LoadedModel, terminal: Terminal): Promise<void> {
  for await (const part of generation) {
    if (!terminal.isJson) terminal.write(part.text);
  }
  const result = await generation.result;
  if (terminal.isJson) {
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
