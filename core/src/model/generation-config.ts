import { ShoalError } from '../spec/errors.js';
import { readModelJson } from './model-file.js';

/** How a model's makers would have it generate: settings for what a caller leaves open. */
export interface GenerationDefaults {
  /** 0 (greedy) unless `do_sample` is true. */
  readonly temperature?: number;
  readonly topK?: number;
  readonly topP?: number;
  readonly minP?: number;
  readonly repetitionPenalty?: number;
}

/** What the files of a model say about generating. */
export interface GenerationConfig {
  /** Ids that end a generation. */
  readonly stopTokens: readonly number[];
  readonly defaults: GenerationDefaults;
}

/**
 * Reads generation_config.json and, where it says nothing of them, the stop tokens of config.json.
 *
 * Stop tokens are those of `eos_token_id` (a number or a list) and the tokenizer's own end-of-text token: instruction
 * models often name only one of "end of turn" and "end of text" in each place. `tokenizerEnd` is the id of the latter.
 *
 * Defaults follow transformers: without `do_sample: true` generation is greedy, whatever other settings stand there, and
 * `max_length` and `max_new_tokens` are no business of a model. Throws MODEL_CONFIG_INVALID for values out of range.
 */
export async function readGenerationConfig(directory: string, tokenizerEnd?: number): Promise<GenerationConfig> {
  const code = 'MODEL_CONFIG_INVALID';
  const config = (await readModelJson(directory, 'generation_config.json', code)) ?? {};
  const own = readIds(config.eos_token_id);
  const ends = own.length > 0 ? own : readIds((await readModelJson(directory, 'config.json', code))?.eos_token_id);
  const stopTokens = [...new Set(tokenizerEnd === undefined ? ends : [...ends, tokenizerEnd])];
  return { stopTokens, defaults: readDefaults(config) };
}

function readIds(value: unknown): readonly number[] {
  const list: readonly unknown[] = Array.isArray(value) ? value : [value];
  return list.filter((id): id is number => Number.isSafeInteger(id) && (id as number) >= 0);
}

type Settings = Readonly<Record<string, unknown>>;

function readDefaults(config: Settings): GenerationDefaults {
  const repetitionPenalty = setting(config, 'repetition_penalty', (value) => value > 0);
  const penalty = repetitionPenalty === undefined || repetitionPenalty === 1 ? {} : { repetitionPenalty };
  if (config.do_sample !== true) return { temperature: 0, ...penalty };
  const temperature = setting(config, 'temperature', (value) => value >= 0);
  // 0 is how these files say "all tokens".
  const topK = setting(config, 'top_k', (value) => Number.isSafeInteger(value) && value >= 0);
  const topP = setting(config, 'top_p', isPart);
  const minP = setting(config, 'min_p', isPart);
  return {
    temperature: temperature ?? 1,
    ...(topK === undefined || topK === 0 ? {} : { topK }),
    ...(topP === undefined ? {} : { topP }),
    ...(minP === undefined ? {} : { minP }),
    ...penalty,
  };
}

function setting(config: Settings, name: string, isLegal: (value: number) => boolean): number | undefined {
  const value = config[name] ?? undefined;
  if (value === undefined) return undefined;
  if (typeof value === 'number' && Number.isFinite(value) && isLegal(value)) return value;
  const message = `generation_config.json: ${name} is ${JSON.stringify(value)}, which is not a legal value`;
  throw new ShoalError('MODEL_CONFIG_INVALID', message, { details: { name, value } });
}

const isPart = (value: number) => value >= 0 && value <= 1;
