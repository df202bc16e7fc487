/** Bodies of `/v1/responses`. Which fields belong to which type of item is looked at by hand: an error names what is missing. */
import { type Static, Type } from 'typebox';
import { open, samplingFields } from '../fields.js';

const text = Type.String();
const flag = Type.Boolean();
const anyObject = Type.Record(Type.String(), Type.Unknown());

const part = Type.Object(
  { type: text, text: Type.Optional(text), refusal: Type.Optional(text) },
  { additionalProperties: true },
);

const item = Type.Object(
  {
    type: open(text),
    id: open(text),
    status: open(text),
    role: open(text),
    content: open(Type.Union([text, Type.Array(part)])),
    summary: open(Type.Array(part)),
    encrypted_content: open(text),
    call_id: open(text),
    name: open(text),
    arguments: open(text),
    output: open(Type.Union([text, Type.Array(part)])),
  },
  { additionalProperties: true },
);

const tool = Type.Object(
  {
    type: text,
    name: open(text),
    description: open(text),
    parameters: open(anyObject),
    strict: open(flag),
  },
  { additionalProperties: true },
);

const toolChoice = Type.Union([
  Type.Enum(['none', 'auto', 'required']),
  Type.Object(
    {
      type: text,
      name: open(text),
      mode: open(Type.Enum(['auto', 'required'])),
      tools: open(Type.Array(Type.Object({ type: text, name: open(text) }, { additionalProperties: true }))),
    },
    { additionalProperties: true },
  ),
]);

const format = Type.Union([
  Type.Object({ type: Type.Enum(['text', 'json_object']) }, { additionalProperties: false }),
  Type.Object(
    {
      type: Type.Literal('json_schema'),
      name: text,
      schema: anyObject,
      description: open(text),
      strict: open(flag),
    },
    { additionalProperties: false },
  ),
]);

/** What makes the prompt; counting its tokens takes the same. */
const promptFields = {
  model: Type.String({ minLength: 1 }),
  input: open(Type.Union([text, Type.Array(item)])),
  instructions: open(text),
  previous_response_id: open(text),
  conversation: open(Type.Unknown()),
  tools: open(Type.Array(tool, { maxItems: 1024 })),
  tool_choice: open(toolChoice),
  parallel_tool_calls: open(flag),
  reasoning: open(
    Type.Object(
      {
        effort: open(Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh', 'max'])),
        summary: open(text),
        generate_summary: open(text),
        context: open(text),
        mode: open(text),
      },
      { additionalProperties: false },
    ),
  ),
  text: open(Type.Object({ format: open(format), verbosity: open(text) }, { additionalProperties: false })),
  truncation: open(Type.Enum(['auto', 'disabled'])),
  chat_template_kwargs: open(anyObject),
};

const { n: _n, max_tokens: _tokens, stream_options: _options, ...sampling } = samplingFields;

export const responseSchema = Type.Object(
  {
    ...sampling,
    ...promptFields,
    max_output_tokens: open(Type.Integer({ minimum: 1 })),
    top_logprobs: open(Type.Integer({ minimum: 0, maximum: 20 })),
    include: open(Type.Array(text)),
    metadata: open(Type.Record(Type.String({ maxLength: 64 }), Type.String({ maxLength: 512 }), { maxProperties: 16 })),
    store: open(flag),
    background: open(flag),
    stream_options: open(Type.Object({ include_obfuscation: open(flag) }, { additionalProperties: false })),
    max_tool_calls: open(Type.Integer({ minimum: 1 })),
    prompt: open(Type.Unknown()),
    context_management: open(Type.Unknown()),
    moderation: open(Type.Unknown()),
    access_programs: open(Type.Unknown()),
    background_options: open(Type.Unknown()),
    image: open(Type.Unknown()),
    prompt_cache_key: open(text),
    prompt_cache_options: open(Type.Unknown()),
    prompt_cache_retention: open(text),
    safety_identifier: open(text),
    service_tier: open(text),
  },
  { additionalProperties: false },
);

export const inputTokensSchema = Type.Object(
  { ...promptFields, personality: open(text) },
  { additionalProperties: false },
);

export const responseParameters = Type.Object({ response: Type.String({ minLength: 1, maxLength: 128 }) });

const whole = Type.String({ pattern: '^\\d{1,9}$' });
const boolean = Type.Enum(['true', 'false']);

export const retrieveQuery = Type.Object(
  {
    stream: Type.Optional(boolean),
    starting_after: Type.Optional(whole),
    include_obfuscation: Type.Optional(boolean),
    include: Type.Optional(Type.Union([text, Type.Array(text)])),
    'include[]': Type.Optional(Type.Union([text, Type.Array(text)])),
  },
  { additionalProperties: false },
);

export const itemsQuery = Type.Object(
  {
    after: Type.Optional(text),
    limit: Type.Optional(whole),
    order: Type.Optional(Type.Enum(['asc', 'desc'])),
    include: Type.Optional(Type.Union([text, Type.Array(text)])),
    'include[]': Type.Optional(Type.Union([text, Type.Array(text)])),
  },
  { additionalProperties: false },
);

export type ResponseBody = Static<typeof responseSchema>;
export type PromptBody = Static<typeof inputTokensSchema>;
export type InputItem = Static<typeof item>;
export type RetrieveQuery = Static<typeof retrieveQuery>;
export type ItemsQuery = Static<typeof itemsQuery>;
