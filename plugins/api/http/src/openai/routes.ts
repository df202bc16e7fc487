/** The interface of OpenAI. */
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../http-api.js';
import { addChat } from './chat.js';
import { addCompletions } from './completions.js';
import { addEmbeddings } from './embeddings.js';
import { addModels } from './models.js';
import { addResponses } from './responses/routes.js';

export function addOpenAi(server: FastifyInstance, parts: ApiParts): void {
  addModels(server, parts);
  addChat(server, parts);
  addCompletions(server, parts);
  addResponses(server, parts);
  addEmbeddings(server, parts);
}
