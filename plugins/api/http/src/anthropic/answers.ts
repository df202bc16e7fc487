/** What Anthropic's paths answer with, for the description of the API. */
import { Type } from 'typebox';

const text = Type.String();
const count = Type.Integer({ minimum: 0 });

const block = Type.Union([
  Type.Object({ type: Type.Literal('text'), text }),
  Type.Object({ type: Type.Literal('thinking'), thinking: text, signature: text }),
  Type.Object({ type: Type.Literal('tool_use'), id: text, name: text, input: Type.Record(text, Type.Unknown()) }),
]);

export const messageAnswer = Type.Object({
  id: text,
  type: Type.Literal('message'),
  role: Type.Literal('assistant'),
  model: text,
  content: Type.Array(block),
  stop_reason: Type.Enum(['end_turn', 'max_tokens', 'stop_sequence', 'tool_use']),
  stop_sequence: Type.Union([text, Type.Null()]),
  usage: Type.Object({ input_tokens: count, output_tokens: count }),
});

export const countAnswer = Type.Object({ input_tokens: count });

/** How these paths say what is wrong. */
export const anthropicError = Type.Object({
  type: Type.Literal('error'),
  error: Type.Object({ type: text, message: text }),
});
