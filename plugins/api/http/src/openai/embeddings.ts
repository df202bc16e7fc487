/** `/v1/embeddings`, and Ollama's names for it: what is loaded generates text, and is asked for that. */
import type { FastifyInstance } from 'fastify';
import { Type } from 'typebox';
import type { ApiParts } from '../http-api.js';
import { modelOf } from '../ollama/models.js';
import { FieldError } from '../problems.js';
import { open } from './fields.js';

const text = Type.String();
const tokens = Type.Array(Type.Integer({ minimum: 0 }), { minItems: 1 });
const model = Type.String({ minLength: 1 });

const embeddingSchema = Type.Object(
  {
    model,
    input: Type.Union([
      Type.String({ minLength: 1 }),
      tokens,
      Type.Array(text, { minItems: 1, maxItems: 2048 }),
      Type.Array(tokens, { minItems: 1, maxItems: 2048 }),
    ]),
    dimensions: open(Type.Integer({ minimum: 1 })),
    encoding_format: open(Type.Enum(['float', 'base64'])),
    user: open(text),
  },
  { additionalProperties: false },
);

const ollamaSchema = Type.Object({ model }, { additionalProperties: true });

const summary = 'Refused with the reason: models of this cluster generate text.';

export function addEmbeddings(server: FastifyInstance, { models }: ApiParts): void {
  /** Who asks for a model that is not there learns that first. */
  const refuse = async (asked: string) => {
    const { name } = await models.find(asked);
    const message =
      `The model '${name}' does not give embeddings: it was loaded to generate text, and its last stage turns what it ` +
      `has computed into the next token only. Ask a server of embedding models.`;
    throw new FieldError('model', message, { code: 'model_not_supported' });
  };
  server.post<{ Body: { model: string } }>(
    '/v1/embeddings',
    { schema: { summary, body: embeddingSchema } },
    async ({ body }) => refuse(body.model),
  );
  for (const path of ['/api/embed', '/api/embeddings']) {
    server.post<{ Body: { model: string } }>(path, { schema: { summary, body: ollamaSchema } }, async ({ body }) =>
      refuse(modelOf(body.model)),
    );
  }
}
