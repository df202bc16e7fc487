/** What `/v1/responses` and the paths below it answer with, for the description of the API. */
import { Type } from 'typebox';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const flag = Type.Boolean();
const anyObject = Type.Record(text, Type.Unknown());
const nullable = (schema: object) => Type.Union([schema, Type.Null()]);

const status = Type.Enum(['in_progress', 'completed', 'incomplete']);
const part = Type.Object({
  type: Type.Literal('output_text'),
  text,
  annotations: Type.Array(anyObject),
  logprobs: Type.Array(anyObject),
});
const thought = Type.Object({ type: Type.Literal('reasoning_text'), text });

const item = Type.Union([
  Type.Object({
    id: text,
    type: Type.Literal('message'),
    role: Type.Literal('assistant'),
    status,
    content: Type.Array(part),
  }),
  Type.Object({
    id: text,
    type: Type.Literal('reasoning'),
    status,
    summary: Type.Array(anyObject),
    content: Type.Array(thought),
  }),
  Type.Object({ id: text, type: Type.Literal('function_call'), status, call_id: text, name: text, arguments: text }),
]);

const usage = Type.Object({
  input_tokens: count,
  input_tokens_details: Type.Object({ cached_tokens: count, cache_write_tokens: count }),
  output_tokens: count,
  output_tokens_details: Type.Object({ reasoning_tokens: count }),
  total_tokens: count,
});

export const responseAnswer = Type.Object({
  id: text,
  object: Type.Literal('response'),
  created_at: count,
  status: Type.Enum(['in_progress', 'completed', 'incomplete', 'failed', 'cancelled']),
  background: flag,
  completed_at: nullable(count),
  error: nullable(Type.Object({ code: text, message: text })),
  incomplete_details: nullable(Type.Object({ reason: text })),
  instructions: nullable(text),
  max_output_tokens: nullable(count),
  metadata: anyObject,
  model: text,
  output: Type.Array(item),
  parallel_tool_calls: flag,
  previous_response_id: nullable(text),
  store: flag,
  temperature: Type.Number(),
  text: anyObject,
  tool_choice: Type.Union([text, anyObject]),
  tools: Type.Array(anyObject),
  top_logprobs: count,
  top_p: Type.Number(),
  usage: nullable(usage),
});

export const deletedAnswer = Type.Object({ id: text, object: Type.Literal('response'), deleted: Type.Literal(true) });

export const inputTokensAnswer = Type.Object({ object: Type.Literal('response.input_tokens'), input_tokens: count });

export const itemsAnswer = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(Type.Intersect([Type.Object({ id: text, type: text }), anyObject])),
  first_id: nullable(text),
  last_id: nullable(text),
  has_more: flag,
});
