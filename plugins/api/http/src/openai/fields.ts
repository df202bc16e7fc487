/** Fields that chat and plain completions share, as a schema and as what the node takes. */
import type { Constraint, GenerationOrder, ToolDefinition } from '@shoal/core';
import type { FastifyReply } from 'fastify';
import { type Static, Type } from 'typebox';
import { FieldError } from '../problems.js';

const nullable = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Union([schema, Type.Null()]);
/** A field that may be left out, or be null, as OpenAI's may. */
export const open = <T extends Parameters<typeof Type.Union>[0][number]>(schema: T) => Type.Optional(nullable(schema));

export const samplingFields = {
  temperature: open(Type.Number({ minimum: 0, maximum: 2 })),
  top_p: open(Type.Number({ minimum: 0, maximum: 1 })),
  n: open(Type.Integer({ minimum: 1, maximum: 128 })),
  stop: open(Type.Union([Type.String(), Type.Array(Type.String(), { maxItems: 64 })])),
  seed: open(Type.Integer()),
  presence_penalty: open(Type.Number({ minimum: -2, maximum: 2 })),
  frequency_penalty: open(Type.Number({ minimum: -2, maximum: 2 })),
  logit_bias: open(Type.Record(Type.String(), Type.Number({ minimum: -100, maximum: 100 }))),
  max_tokens: open(Type.Integer({ minimum: 1 })),
  stream: open(Type.Boolean()),
  stream_options: open(
    Type.Object(
      { include_usage: open(Type.Boolean()), include_obfuscation: open(Type.Boolean()) },
      { additionalProperties: false },
    ),
  ),
  // Beyond OpenAI's, as other servers name them.
  top_k: open(Type.Integer()),
  min_p: open(Type.Number({ minimum: 0, maximum: 1 })),
  repetition_penalty: open(Type.Number({ exclusiveMinimum: 0 })),
  ignore_eos: open(Type.Boolean()),
  // For the books of who asks; nothing here depends on them.
  user: open(Type.String()),
};

const samplingSchema = Type.Object(samplingFields);
type SamplingFields = Static<typeof samplingSchema>;

/** An answer may fill the context that the model is loaded with. */
const noLimit = 2 ** 31;
const largestSeed = 2 ** 53 - 1;

/** What is said of sampling and ends, as the node takes it. Throws FieldError. */
export function samplingOf(
  body: SamplingFields,
  maximumTokens = body.max_tokens ?? noLimit,
): Omit<GenerationOrder, 'input'> {
  const { seed, logit_bias: biases, stop } = body;
  if (seed != null && (seed < 0 || seed > largestSeed)) {
    throw new FieldError('seed', `Invalid value for 'seed': it must be between 0 and ${largestSeed}.`);
  }
  const stopTexts = stop == null ? [] : [stop].flat();
  return {
    ignoreEndOfText: body.ignore_eos ?? false,
    maximumTokens,
    sampling: {
      ...numbers({
        temperature: body.temperature,
        topP: body.top_p,
        // Elsewhere these mean "all".
        topK: body.top_k != null && body.top_k > 0 ? body.top_k : undefined,
        minP: body.min_p,
        seed,
        presencePenalty: body.presence_penalty,
        frequencyPenalty: body.frequency_penalty,
        repetitionPenalty: body.repetition_penalty,
      }),
      ...(biases == null || Object.keys(biases).length === 0 ? {} : { logitBias: logitBias(biases) }),
    },
    ...(body.n == null || body.n === 1 ? {} : { choices: body.n }),
    ...(stopTexts.length === 0 ? {} : { stopTexts }),
  };
}

function numbers<Name extends string>(
  fields: Readonly<Record<Name, number | null | undefined>>,
): { readonly [Field in Name]?: number } {
  return Object.fromEntries(Object.entries(fields).filter(([, value]) => value != null)) as {
    [Field in Name]?: number;
  };
}

function logitBias(biases: Readonly<Record<string, number>>) {
  return Object.entries(biases).map(([token, bias]) => {
    if (!/^\d{1,10}$/.test(token)) {
      throw new FieldError('logit_bias', `Invalid key in 'logit_bias': ${JSON.stringify(token)} is not a token id.`);
    }
    return { token: Number(token), bias };
  });
}

/** An answer that fits the schema. */
export function jsonConstraint(schema: object): { readonly constraint: Constraint } {
  return { constraint: { kind: 'json-schema', specification: JSON.stringify(schema) } };
}

/** A function that the model may call, with what is given of it. */
export function toolOf(
  name: string,
  description: string | null | undefined,
  parameters: ToolDefinition['parameters'] | null,
): ToolDefinition {
  return { name, ...(description == null ? {} : { description }), ...(parameters == null ? {} : { parameters }) };
}

/** What templates know under these names. */
export function templateVariables(
  own: Readonly<Record<string, unknown>> | null | undefined,
  effort: string | null | undefined,
): Record<string, unknown> {
  const thinking = effort === 'none' ? { enable_thinking: false } : {};
  return { ...(effort == null ? {} : { reasoning_effort: effort, ...thinking }), ...own };
}

/** Clients refuse longer heads. */
const longestWarning = 2048;

/** Says in a header what has no effect here. Names of fields are the client's: a header has no place for all letters. */
export function warn(reply: FastifyReply, warnings: readonly string[]): void {
  if (warnings.length === 0) return;
  const text = warnings.join('; ').slice(0, longestWarning);
  const hexadecimal = (letter: string) => letter.charCodeAt(0).toString(16).padStart(4, '0');
  reply.header(
    'x-shoal-warning',
    text.replace(/[^ -~]/g, (letter) => `\\u${hexadecimal(letter)}`),
  );
}

/** Fields that are given, and not just with the value that means nothing. */
export function given(body: Readonly<Record<string, unknown>>, names: readonly string[]): string[] {
  return names.filter((name) => body[name] != null && body[name] !== false);
}
