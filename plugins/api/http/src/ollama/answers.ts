/** What Ollama's paths answer with, for the description of the API. */
import { Type } from 'typebox';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });

const ending = {
  model: text,
  created_at: text,
  done: Type.Boolean(),
  done_reason: Type.Enum(['stop', 'length', 'load']),
  total_duration: Type.Optional(count),
  load_duration: Type.Optional(count),
  prompt_eval_count: Type.Optional(count),
  prompt_eval_duration: Type.Optional(count),
  eval_count: Type.Optional(count),
  eval_duration: Type.Optional(count),
};

const call = Type.Object({
  id: text,
  function: Type.Object({ name: text, arguments: Type.Record(text, Type.Unknown()) }),
});

export const chatAnswer = Type.Object({
  ...ending,
  message: Type.Object({
    role: Type.Literal('assistant'),
    content: text,
    thinking: Type.Optional(text),
    tool_calls: Type.Optional(Type.Array(call)),
  }),
});

export const generateAnswer = Type.Object({ ...ending, response: text, thinking: Type.Optional(text) });

const tag = {
  name: text,
  model: text,
  modified_at: text,
  size: count,
  digest: text,
  details: Type.Object({
    format: text,
    family: text,
    families: Type.Array(text),
    parameter_size: text,
    quantization_level: text,
  }),
};

export const tagsAnswer = Type.Object({ models: Type.Array(Type.Object(tag)) });

export const runningAnswer = Type.Object({
  models: Type.Array(Type.Object({ ...tag, size_vram: count, context_length: count, expires_at: text })),
});

export const showAnswer = Type.Object({
  ...tag,
  parameters: text,
  model_info: Type.Record(text, Type.Unknown()),
  capabilities: Type.Array(text),
});

export const versionAnswer = Type.Object({ version: text });

/** How these paths say what is wrong. */
export const ollamaError = Type.Object({ error: text });
