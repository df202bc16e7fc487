/** For those who watch over nodes. */
import type { FastifyInstance } from 'fastify';
import type { ApiParts } from './http-api.js';

export function addHealth(server: FastifyInstance, { context, models, metrics }: ApiParts): void {
  const { nodeName, softwareVersion, service } = context;

  /** The process answers. */
  server.get('/healthz', () => ({ status: 'ok', node: nodeName, nodeId: service.nodeId, version: softwareVersion }));

  /** A request for a model could be answered now. */
  server.get('/readyz', async (_request, reply) => {
    const served = await models.models();
    if (served.length === 0) return reply.code(503).send({ status: 'no model is loaded', models: [] });
    return { status: 'ok', models: [...new Set(served.map(({ name }) => name))] };
  });

  server.get('/metrics', async (_request, reply) => {
    const { type, text } = await metrics.text();
    return reply.type(type).send(text);
  });
}
