import { ShoalError } from '@shoal/core';
import type { Cluster, Generation, GenerationChoice, GenerationOptions, LoadedModel } from '../index.js';
import { answerRuleOptions, parseAnswerRule } from './answer-rules.js';
import type { ArgumentSpecification, OptionSpecification } from './command.js';
import type { ParsedOptions } from './options.js';
import { LoadProgressDisplay } from './progress.js';
import { parseLoadOptions } from './session.js';
import type { Terminal } from './terminal.js';

const section = 'Answer';
const tokenIds = { minimum: 0, maximum: 2 ** 32 - 1, integer: true } as const;
const largestBias = 100;
/** As the engine's. */
const largestChoices = 128;

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
  {
    name: 'stop-token',
    value: 'ID',
    multiple: true,
    number: tokenIds,
    description: 'End the answer with this token, too.',
    section,
  },
  {
    name: 'ignore-end-of-text',
    description: "Go on after the model's own end of an answer.",
    section,
  },
  {
    name: 'allowed-tokens',
    value: 'LIST',
    number: { ...tokenIds, list: true },
    description: 'Only these tokens may come; the one that ends the answer must be among them for it to end.',
    section,
  },
  ...answerRuleOptions,
  {
    name: 'logit-bias',
    value: 'ID=BIAS',
    multiple: true,
    check: parseTokenBias,
    description: 'Make a token likelier (up to 100) or less likely (down to -100).',
    section,
  },
  {
    name: 'ignore-model-defaults',
    description: "Sample as these options say alone, not as the model's generation_config.json recommends.",
    section,
  },
  {
    name: 'parse-special-tokens',
    description: 'Text in messages that spells a special token becomes that token; with --raw it always does.',
    section,
  },
  {
    name: 'queue-timeout',
    value: 'SECONDS',
    number: { minimum: 0, maximum: 1_000_000 },
    description: 'Give up when the answer has waited so long for a free slot.',
    default: 'wait',
    section,
  },
];

/** How many answers, for commands that can show several. */
export const choicesOption: OptionSpecification = {
  name: 'choices',
  value: 'N',
  number: { minimum: 1, maximum: largestChoices, integer: true },
  description: 'So many answers; they differ where the temperature is above 0.',
  default: '1',
  section,
};

export const modelArgument: ArgumentSpecification = {
  name: 'MODEL',
  description:
    'A folder with a Hugging Face checkpoint (config.json, *.safetensors, tokenizer.json), or the name of one: `shoal ' +
    'models` lists what is in SHOAL_HOME/models and in the cache of `hf download`.',
  completes: 'model',
};

export const systemOption: OptionSpecification = {
  name: 'system',
  value: 'TEXT',
  description: 'System message: how the model should behave.',
  section,
};

/** `42=-5`: a token and what is added to its logit. Throws ARGUMENT_INVALID. */
export function parseTokenBias(text: string): readonly [token: number, bias: number] {
  const [, token, bias] = /^(\d+)=([-+]?\d*\.?\d+)$/.exec(text) ?? [];
  const values = [Number(token), Number(bias)] as const;
  if (values[0] <= tokenIds.maximum && Math.abs(values[1]) <= largestBias) return values;
  const message = `--logit-bias wants ID=BIAS, a bias from -${largestBias} to ${largestBias} as in 42=-5, not "${text}"`;
  throw new ShoalError('ARGUMENT_INVALID', message, { details: { option: '--logit-bias', value: text } });
}

/** Generation options as the SDK takes them. */
export function parseGenerationOptions(options: ParsedOptions): GenerationOptions {
  const present = <Value>(values: readonly Value[]) => (values.length === 0 ? undefined : values);
  const queueTimeout = options.number('queue-timeout');
  const biases = present(options.list('logit-bias').map(parseTokenBias));
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
    choices: options.number('choices'),
    stop: present(options.list('stop')),
    stopTokens: present(options.list('stop-token').map(Number)),
    ignoreEndOfText: options.flag('ignore-end-of-text') || undefined,
    allowedTokens: options.numbers('allowed-tokens'),
    constraint: parseAnswerRule(options),
    queueTimeoutMilliseconds: queueTimeout === undefined ? undefined : Math.round(queueTimeout * 1000),
    logitBias: biases && Object.fromEntries(biases),
    ignoreModelDefaults: options.flag('ignore-model-defaults') || undefined,
    parseSpecialTokens: options.flag('parse-special-tokens') || undefined,
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

/** Prints an answer as it comes, several when all are complete, or one JSON document when everything is. */
export async function printGeneration(
  generation: Generation,
  model: LoadedModel,
  choices: number,
  terminal: Terminal,
): Promise<void> {
  for await (const part of generation) {
    if (!terminal.isJson && choices === 1) terminal.write(part.text);
  }
  const result = await generation.result;
  if (terminal.isJson) {
    terminal.json({ model: model.plan.modelName, ...result, plan: model.plan });
    return;
  }
  if (choices === 1) terminal.line();
  else printChoices(result.choices, terminal);
  const { promptTokens, generatedTokens } = result.usage;
  const { timeToFirstTokenMilliseconds, tokensPerSecond } = result.timings;
  const speed = tokensPerSecond === undefined ? '' : `, ${tokensPerSecond.toFixed(1)} tokens/s`;
  const first = `${Math.round(timeToFirstTokenMilliseconds)} ms to the first token`;
  terminal.note(`${promptTokens} prompt + ${generatedTokens} generated tokens, ${first}${speed}`);
}

function printChoices(choices: readonly GenerationChoice[], terminal: Terminal): void {
  for (const [index, { text }] of choices.entries()) {
    if (index > 0) terminal.line();
    terminal.line(terminal.bold(`Answer ${index + 1} of ${choices.length}`));
    terminal.line(text);
  }
}
