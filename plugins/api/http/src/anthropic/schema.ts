import { type Static, Type } from 'typebox';
import { open } from '../openai/fields.js';

const text = Type.String();
const anyObject = Type.Record(Type.String(), Type.Unknown());

/** Parts of a message; which fields belong to which type is looked at by hand, so that an error names what is missing. */
const block = Type.Object(
  {
    type: text,
    text: Type.Optional(text),
    thinking: Type.Optional(text),
    id: Type.Optional(text),
    name: Type.Optional(text),
    input: Type.Optional(Type.Unknown()),
    tool_use_id: Type.Optional(text),
    content: open(Type.Union([text, Type.Array(Type.Object({ type: text, text: Type.Optional(text) }))])),
    is_error: open(Type.Boolean()),
  },
  { additionalProperties: true },
);

const content = Type.Union([text, Type.Array(block)]);

const tool = Type.Object(
  {
    name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' }),
    type: open(text),
    description: open(text),
    input_schema: open(anyObject),
    cache_control: open(Type.Unknown()),
    strict: open(Type.Boolean()),
  },
  { additionalProperties: true },
);

const promptFields = {
  model: Type.String({ minLength: 1 }),
  messages: Type.Array(
    Type.Object({ role: Type.Enum(['user', 'assistant', 'system']), content }, { additionalProperties: false }),
    { minItems: 1 },
  ),
  system: open(content),
  tools: open(Type.Array(tool, { maxItems: 1024 })),
  tool_choice: open(
    Type.Object(
      {
        type: Type.Enum(['auto', 'any', 'tool', 'none']),
        name: open(text),
        disable_parallel_tool_use: open(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  ),
  thinking: open(
    Type.Object(
      {
        type: Type.Enum(['enabled', 'disabled', 'adaptive']),
        budget_tokens: open(Type.Integer()),
        display: open(text),
      },
      { additionalProperties: false },
    ),
  ),
  output_config: open(
    Type.Object(
      {
        effort: open(text),
        format: open(
          Type.Object({ type: Type.Literal('json_schema'), schema: anyObject }, { additionalProperties: false }),
        ),
      },
      { additionalProperties: false },
    ),
  ),
  cache_control: open(Type.Unknown()),
};

export const countSchema = Type.Object(promptFields, { additionalProperties: false });

export const messagesSchema = Type.Object(
  {
    ...promptFields,
    max_tokens: Type.Integer({ minimum: 1 }),
    temperature: open(Type.Number({ minimum: 0, maximum: 1 })),
    top_p: open(Type.Number({ minimum: 0, maximum: 1 })),
    top_k: open(Type.Integer({ minimum: 0 })),
    stop_sequences: open(Type.Array(text, { maxItems: 64 })),
    stream: open(Type.Boolean()),
    metadata: open(anyObject),
    service_tier: open(text),
    container: open(Type.Unknown()),
    mcp_servers: open(Type.Array(Type.Unknown())),
  },
  { additionalProperties: false },
);

export type CountBody = Static<typeof countSchema>;
export type MessagesBody = Static<typeof messagesSchema>;
export type BodyMessage = CountBody['messages'][number];
export type BodyBlock = Exclude<BodyMessage['content'], string>[number];
