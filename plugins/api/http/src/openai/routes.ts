/** The interface of OpenAI. */
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from '../http-api.js';
import { addModels } from './models.js';

export function addOpenAi(server: FastifyInstance, parts: ApiParts): void {
  addModels(server, parts);
}
