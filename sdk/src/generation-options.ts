import type { Constraint, GenerationInput, GenerationOrder, ToolChoice, ToolDefinition } from '@shoal/core';

/**
 * How an answer is made. What is left out, the model's generation_config.json says, and then Shoal: greedy, 512 tokens.
 * docs/sampling.md says in which order everything applies.
 */
export interface GenerationOptions {
  /** Longest answer, in tokens; default 512. */
  readonly maximumTokens?: number;
  /** 0 picks the likeliest token. */
  readonly temperature?: number;
  /** Sample from the so many likeliest tokens. */
  readonly topK?: number;
  /** Sample from the likeliest tokens that together have this probability. */
  readonly topP?: number;
  /** Leave out tokens less likely than this times the likeliest. */
  readonly minP?: number;
  /** Makes tokens of the prompt and the answer less likely (above 1) or more (below), as in transformers. */
  readonly repetitionPenalty?: number;
  /** -2 to 2: makes tokens that the answer has had less likely, as in OpenAI's interface. */
  readonly presencePenalty?: number;
  /** -2 to 2: the same for every time that the answer has had them. */
  readonly frequencyPenalty?: number;
  /** What is added to the logits of tokens, by their ids: -100 to 100, as in OpenAI's interface. */
  readonly logitBias?: Readonly<Record<number, number>>;
  /** Only these tokens may come, at every place. The end-of-text token must be among them for the answer to end by it. */
  readonly allowedTokens?: readonly number[];
  /**
   * A rule of another kind for what the answer may be, instead of `allowedTokens`: `json-schema`, `regex` or `lark`, with
   * the schema (as JSON), the expression or the grammar as its specification. See docs/sampling.md.
   */
  readonly constraint?: Constraint;
  /**
   * Asks for the log-probability of every token, and of so many (0 to 20) of the likeliest in its place. They are the
   * model's own, before everything above.
   */
  readonly logProbabilities?: number;
  /** The same seed under the same plan gives the same text; default: random. */
  readonly seed?: number;
  /** So many answers to the same prompt (`n` elsewhere), which is computed once; default 1. */
  readonly choices?: number;
  /** The text ends before the first of these. */
  readonly stop?: readonly string[];
  /** The text ends with one of these tokens, beside the model's end-of-text tokens. */
  readonly stopTokens?: readonly number[];
  /** Go on after an end-of-text token. */
  readonly ignoreEndOfText?: boolean;
  /**
   * Whether text that spells a special token (`<|eot_id|>`) becomes that token. Default: in a prompt, whose writer writes
   * its turns, but not in messages: what a user says cannot end a turn or begin another.
   */
  readonly parseSpecialTokens?: boolean;
  /** Sample as if the model recommended nothing: greedy, but for what these options say. */
  readonly ignoreModelDefaults?: boolean;
  /** Fail with REQUEST_QUEUE_TIMEOUT when the request has waited so long for a free slot; default: never. */
  readonly queueTimeoutMilliseconds?: number;
  readonly signal?: AbortSignal;
}

/** How a conversation is answered. */
export interface ChatOptions extends GenerationOptions {
  /** Functions that the model may call; the answer has `toolCalls` then. Refused where the model knows of no tools. */
  readonly tools?: readonly ToolDefinition[];
  /**
   * `auto`: the model decides. `required`, or the name of one: the answer is nothing but calls, with arguments that fit
   * their schemas.
   */
  readonly toolChoice?: ToolChoice;
  /** False: the model stops after one call. Default true: it may make several at once. */
  readonly parallelToolCalls?: boolean;
  /** Further variables of the model's chat template, such as `enable_thinking`. */
  readonly templateVariables?: Readonly<Record<string, unknown>>;
}

/** Without fields that hold nothing. */
type Given<Fields> = { readonly [Name in keyof Fields]?: Exclude<Fields[Name], undefined> };

/** The options as the node takes them. */
export function orderOf(input: GenerationInput, options: GenerationOptions): GenerationOrder {
  const { temperature, topK, topP, minP, repetitionPenalty, presencePenalty, frequencyPenalty } = options;
  const { logProbabilities, seed, maximumTokens, choices, stopTokens, queueTimeoutMilliseconds } = options;
  const { logitBias, allowedTokens, parseSpecialTokens, ignoreModelDefaults } = options;
  const biases = Object.entries(logitBias ?? {}).map(([token, bias]) => ({ token: Number(token), bias }));
  const allowed = allowedTokens && { kind: 'allowed-tokens', specification: JSON.stringify(allowedTokens) };
  const constraint = options.constraint ?? allowed;
  return {
    input,
    ignoreEndOfText: options.ignoreEndOfText ?? false,
    sampling: given({
      temperature,
      topK,
      topP,
      minP,
      repetitionPenalty,
      presencePenalty,
      frequencyPenalty,
      logProbabilities,
      seed,
      constraint,
      logitBias: biases.length === 0 ? undefined : biases,
    }),
    ...given({ maximumTokens, choices, stopTexts: options.stop, stopTokens, queueTimeoutMilliseconds }),
    ...given({ parseSpecialTokens, ignoreModelDefaults }),
  };
}

function given<Fields extends object>(fields: Fields): Given<Fields> {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value !== undefined)) as Given<Fields>;
}
