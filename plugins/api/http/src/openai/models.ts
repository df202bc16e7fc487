import { ShoalError } from '@shoal/core';
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../http-api.js';
import type { ServedModel } from '../model-directory.js';
import { modelAnswer, modelsAnswer } from './answers.js';

/** What is loaded, a model with several instances once. */
export function addModels(server: FastifyInstance, { models }: ApiParts): void {
  const list = async () => {
    const byName = new Map<string, ServedModel>();
    for (const served of await models.models()) if (!byName.has(served.name)) byName.set(served.name, served);
    return [...byName.values()].map(({ name, instance, since }) => ({
      id: name,
      object: 'model',
      created: Math.floor(since / 1000),
      owned_by: 'shoal',
      // Anthropic's clients ask the same path for these.
      type: 'model',
      display_name: name,
      created_at: new Date(since).toISOString(),
      // What clients that size their prompts look for, as vLLM names it.
      max_model_len: instance.plan.contextLength,
    }));
  };

  server.get('/v1/models', { schema: { summary: 'What is loaded.', answer: modelsAnswer } }, async () => {
    const data = await list();
    return { object: 'list', data, has_more: false, first_id: data[0]?.id ?? null, last_id: data.at(-1)?.id ?? null };
  });

  // A name may have an owner: `owner/model`.
  const ofOne = { schema: { summary: 'One model that is loaded.', answer: modelAnswer } };
  server.get<{ Params: { '*': string } }>('/v1/models/*', ofOne, async ({ params }) => {
    const found = (await list()).find(({ id }) => id === params['*']);
    if (found) return found;
    const message = `The model '${params['*']}' is not loaded in this cluster.`;
    throw new ShoalError('INSTANCE_NOT_FOUND', message, { details: { parameter: 'model' } });
  });
}
