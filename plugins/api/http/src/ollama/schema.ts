import { type Static, Type } from 'typebox';
import { open } from '../openai/fields.js';

const text = Type.String();
const anyObject = Type.Record(Type.String(), Type.Unknown());

/** What is sampled with; all of it may be given with a model that it means nothing to. */
const options = Type.Object(
  {
    temperature: open(Type.Number({ minimum: 0 })),
    top_k: open(Type.Integer()),
    top_p: open(Type.Number({ minimum: 0, maximum: 1 })),
    min_p: open(Type.Number({ minimum: 0, maximum: 1 })),
    seed: open(Type.Integer()),
    num_predict: open(Type.Integer()),
    stop: open(Type.Union([text, Type.Array(text)])),
    repeat_penalty: open(Type.Number({ exclusiveMinimum: 0 })),
    presence_penalty: open(Type.Number({ minimum: -2, maximum: 2 })),
    frequency_penalty: open(Type.Number({ minimum: -2, maximum: 2 })),
  },
  { additionalProperties: true },
);

const common = {
  model: Type.String({ minLength: 1 }),
  stream: open(Type.Boolean()),
  format: open(Type.Union([text, anyObject])),
  options: open(options),
  think: open(Type.Union([Type.Boolean(), text])),
  keep_alive: open(Type.Union([text, Type.Number()])),
  logprobs: open(Type.Boolean()),
  top_logprobs: open(Type.Integer()),
};

const images = open(Type.Array(Type.Unknown()));

export const chatSchema = Type.Object(
  {
    ...common,
    messages: Type.Optional(
      Type.Array(
        Type.Object(
          {
            role: Type.Enum(['system', 'user', 'assistant', 'tool']),
            content: open(text),
            thinking: open(text),
            images,
            tool_name: open(text),
            tool_call_id: open(text),
            tool_calls: open(
              Type.Array(
                Type.Object(
                  {
                    id: open(text),
                    function: Type.Object({ name: text, arguments: open(anyObject) }, { additionalProperties: true }),
                  },
                  { additionalProperties: true },
                ),
              ),
            ),
          },
          { additionalProperties: true },
        ),
      ),
    ),
    tools: open(
      Type.Array(
        Type.Object(
          {
            type: Type.Optional(text),
            function: Type.Object(
              { name: text, description: open(text), parameters: open(anyObject) },
              { additionalProperties: true },
            ),
          },
          { additionalProperties: true },
        ),
        { maxItems: 1024 },
      ),
    ),
  },
  { additionalProperties: true },
);

export const generateSchema = Type.Object(
  {
    ...common,
    prompt: open(text),
    system: open(text),
    raw: open(Type.Boolean()),
    suffix: open(text),
    template: open(text),
    context: open(Type.Array(Type.Integer())),
    images,
  },
  { additionalProperties: true },
);

export const showSchema = Type.Object(
  { model: Type.Optional(text), name: Type.Optional(text) },
  { additionalProperties: true },
);

export type ChatBody = Static<typeof chatSchema>;
export type GenerateBody = Static<typeof generateSchema>;
