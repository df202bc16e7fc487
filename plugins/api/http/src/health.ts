/** For those who watch over nodes. */
import type { FastifyInstance, FastifyReply, FastifyRequest } from 'fastify';
import { Type } from 'typebox';
import type { ApiParts } from './http-api.js';

const healthAnswer = Type.Object({
  status: Type.Literal('ok'),
  node: Type.String(),
  nodeId: Type.String(),
  version: Type.String(),
});
const readyAnswer = Type.Object({ status: Type.String(), models: Type.Array(Type.String()) });

export function addHealth(server: FastifyInstance, { context, models, metrics }: ApiParts): void {
  const { nodeName, softwareVersion, service } = context;

  /** The process answers. */
  server.get('/healthz', { schema: { summary: 'Whether the process answers.', answer: healthAnswer } }, () => ({
    status: 'ok',
    node: nodeName,
    nodeId: service.nodeId,
    version: softwareVersion,
  }));

  /** A request for a model could be answered now. */
  const readiness = async (_request: FastifyRequest, reply: FastifyReply) => {
    const served = await models.models();
    if (served.length === 0) return reply.code(503).send({ status: 'no model is loaded', models: [] });
    return { status: 'ok', models: [...new Set(served.map(({ name }) => name))] };
  };
  const schema = { summary: 'Whether a model could answer.', answer: readyAnswer, errorAnswer: readyAnswer };
  server.get('/readyz', { schema }, readiness);
  // As llama-server and vLLM call it.
  server.get('/health', { schema }, readiness);

  server.get(
    '/metrics',
    { schema: { summary: 'For Prometheus.', answerType: 'text/plain' } },
    async (_request, reply) => {
      const { type, text } = await metrics.text();
      return reply.type(type).send(text);
    },
  );
}
