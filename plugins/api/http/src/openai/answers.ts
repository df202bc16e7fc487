/** What OpenAI's paths answer with, for the description of the API. */
import { Type } from 'typebox';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });
const nullable = (schema: object) => Type.Union([schema, Type.Null()]);

const usage = Type.Object({
  prompt_tokens: count,
  completion_tokens: count,
  total_tokens: count,
  completion_tokens_details: Type.Object({ reasoning_tokens: count }),
});

const head = { id: text, created: count, model: text, system_fingerprint: text };

const logProbability = Type.Object({
  token: text,
  logprob: Type.Number(),
  bytes: nullable(Type.Array(Type.Integer({ minimum: 0, maximum: 255 }))),
});

const toolCall = Type.Object({
  id: text,
  type: Type.Literal('function'),
  function: Type.Object({ name: text, arguments: text }),
});

export const chatAnswer = Type.Object({
  ...head,
  object: Type.Literal('chat.completion'),
  choices: Type.Array(
    Type.Object({
      index: count,
      message: Type.Object({
        role: Type.Literal('assistant'),
        content: nullable(text),
        refusal: Type.Null(),
        reasoning_content: Type.Optional(text),
        tool_calls: Type.Optional(Type.Array(toolCall)),
      }),
      logprobs: nullable(
        Type.Object({
          content: Type.Array(
            Type.Intersect([logProbability, Type.Object({ top_logprobs: Type.Array(logProbability) })]),
          ),
        }),
      ),
      finish_reason: Type.Enum(['stop', 'length', 'tool_calls']),
    }),
  ),
  usage,
});

export const completionAnswer = Type.Object({
  ...head,
  object: Type.Literal('text_completion'),
  choices: Type.Array(
    Type.Object({
      index: count,
      text,
      logprobs: nullable(
        Type.Object({
          tokens: Type.Array(text),
          token_logprobs: Type.Array(Type.Number()),
          top_logprobs: Type.Array(Type.Record(text, Type.Number())),
          text_offset: Type.Array(count),
        }),
      ),
      finish_reason: Type.Enum(['stop', 'length']),
    }),
  ),
  usage,
});

export const modelAnswer = Type.Object({
  id: text,
  object: Type.Literal('model'),
  created: count,
  owned_by: text,
  type: Type.Literal('model'),
  display_name: text,
  created_at: text,
  max_model_len: Type.Integer({ minimum: 1 }),
});

export const modelsAnswer = Type.Object({
  object: Type.Literal('list'),
  data: Type.Array(modelAnswer),
  has_more: Type.Boolean(),
  first_id: nullable(text),
  last_id: nullable(text),
});

/** How these paths say what is wrong. */
export const openAiError = Type.Object({
  error: Type.Object({ message: text, type: text, param: nullable(text), code: nullable(text) }),
});
