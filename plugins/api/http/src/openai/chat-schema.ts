import { type Static, Type } from 'typebox';
import { open, samplingFields } from './fields.js';

const text = Type.String();
const anyObject = Type.Record(Type.String(), Type.Unknown());

const contentPart = Type.Object(
  { type: text, text: Type.Optional(text), refusal: Type.Optional(text) },
  { additionalProperties: true },
);

const toolCall = Type.Object(
  {
    id: text,
    type: Type.Optional(Type.Literal('function')),
    index: Type.Optional(Type.Integer()),
    function: Type.Object({ name: text, arguments: text }, { additionalProperties: true }),
  },
  { additionalProperties: true },
);

const message = Type.Object(
  {
    role: Type.Enum(['system', 'developer', 'user', 'assistant', 'tool']),
    content: open(Type.Union([text, Type.Array(contentPart)])),
    name: open(text),
    tool_calls: open(Type.Array(toolCall)),
    tool_call_id: open(text),
    reasoning_content: open(text),
    reasoning: open(text),
    // What answers have, and clients send back.
    refusal: open(text),
    annotations: open(Type.Array(Type.Unknown())),
    audio: open(Type.Unknown()),
    function_call: open(Type.Unknown()),
  },
  { additionalProperties: false },
);

const tool = Type.Object(
  {
    type: Type.Literal('function'),
    function: Type.Object(
      {
        name: Type.String({ pattern: '^[A-Za-z0-9_.-]{1,128}$' }),
        description: open(text),
        parameters: open(anyObject),
        strict: open(Type.Boolean()),
      },
      { additionalProperties: false },
    ),
  },
  { additionalProperties: false },
);

export const toolChoiceSchema = Type.Union([
  Type.Enum(['none', 'auto', 'required']),
  Type.Object({ type: Type.Literal('function'), function: Type.Object({ name: text }) }),
]);

export const responseFormatSchema = Type.Union([
  Type.Object({ type: Type.Enum(['text', 'json_object']) }, { additionalProperties: false }),
  Type.Object(
    {
      type: Type.Literal('json_schema'),
      json_schema: Type.Object(
        { name: text, description: open(text), schema: open(anyObject), strict: open(Type.Boolean()) },
        { additionalProperties: false },
      ),
    },
    { additionalProperties: false },
  ),
]);

export const chatSchema = Type.Object(
  {
    ...samplingFields,
    model: Type.String({ minLength: 1 }),
    messages: Type.Array(message, { minItems: 1 }),
    max_completion_tokens: open(Type.Integer({ minimum: 1 })),
    logprobs: open(Type.Boolean()),
    top_logprobs: open(Type.Integer({ minimum: 0, maximum: 20 })),
    response_format: open(responseFormatSchema),
    tools: open(Type.Array(tool, { maxItems: 1024 })),
    tool_choice: open(toolChoiceSchema),
    parallel_tool_calls: open(Type.Boolean()),
    reasoning_effort: open(Type.Enum(['none', 'minimal', 'low', 'medium', 'high', 'xhigh'])),
    chat_template_kwargs: open(anyObject),
    modalities: open(Type.Array(text)),
    metadata: open(anyObject),
    store: open(Type.Boolean()),
    service_tier: open(text),
    safety_identifier: open(text),
    prompt_cache_key: open(text),
    prompt_cache_retention: open(text),
    prediction: open(Type.Unknown()),
    verbosity: open(text),
    audio: open(Type.Unknown()),
    web_search_options: open(Type.Unknown()),
    functions: open(Type.Unknown()),
    function_call: open(Type.Unknown()),
  },
  { additionalProperties: false },
);

export type ChatBody = Static<typeof chatSchema>;
export type ChatBodyMessage = ChatBody['messages'][number];
