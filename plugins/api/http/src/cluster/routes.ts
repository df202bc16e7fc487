/** The cluster itself: what it is, what a load would do, loading and unloading, and what happens. */
import { isAbsolute } from 'node:path';
import { type LoadOptions, type NodeReadiness, type PretendedNode, ShoalError, storageTypes } from '@shoal/core';
import type { FastifyInstance, FastifySchema } from 'fastify';
import { type Static, Type } from 'typebox';
import { clientSignal, EventStream, eventStreamType } from '../event-stream.js';
import type { ApiParts } from '../http-api.js';
import {
  allStatisticsAnswer,
  clusterAnswer,
  explainAnswer,
  instanceAnswer,
  machinesAnswer,
  statisticsAnswer,
  topologyAnswer,
} from './answers.js';

const storageType = Type.Enum([...storageTypes]);

const loadFields = {
  model: Type.String({ minLength: 1, description: 'Name of a model in a library of the nodes, or a folder.' }),
  plan: Type.Optional(Type.String({ description: 'Forces stages and members: pp=2, tp=3, tp=2,pp=2.' })),
  contextLength: Type.Optional(Type.Integer({ minimum: 16 })),
  slotCount: Type.Optional(Type.Integer({ minimum: 1, maximum: 4096 })),
  queueCapacity: Type.Optional(Type.Integer({ minimum: 0, maximum: 1_000_000 })),
  storage: Type.Optional(Type.Object({ matrix: storageType, embedding: storageType }, { additionalProperties: false })),
  stateStorage: Type.Optional(Type.Enum(['f16', 'f32'])),
  policy: Type.Optional(Type.String()),
  objective: Type.Optional(Type.String()),
};

const loadSchema = Type.Object(loadFields, { additionalProperties: false, description: 'What to load, and how.' });
type LoadBody = Static<typeof loadSchema>;

const pretendedNode = Type.Object(
  {
    like: Type.String({ minLength: 1, description: 'Name or id of a node that it is like.' }),
    name: Type.Optional(Type.String({ minLength: 1 })),
    memoryBytes: Type.Optional(Type.Integer({ minimum: 1, description: 'Of each of its devices.' })),
  },
  { additionalProperties: false },
);

const instancePattern = '^[0-9a-f]{16}$';

const whatIfFields = {
  without: Type.Optional(Type.Array(Type.String(), { maxItems: 256, description: 'Nodes that are taken to be gone.' })),
  added: Type.Optional(Type.Array(pretendedNode, { maxItems: 256, description: 'Nodes that are taken to be there.' })),
  unloaded: Type.Optional(
    Type.String({ pattern: instancePattern, description: 'An instance whose memory is taken to be free.' }),
  ),
};

const explainSchema = Type.Object(
  { ...loadFields, ...whatIfFields },
  { additionalProperties: false, description: 'What to explain, and what is pretended.' },
);
type ExplainBody = Static<typeof explainSchema>;

const instanceParameters = Type.Object({ instance: Type.String({ pattern: instancePattern }) });
type InstanceParameters = Static<typeof instanceParameters>;

/** The rest is checked where it is used, by the one rule that nodes have for each other, too. */
function splitBody({ model, ...options }: LoadBody): { readonly model: string; readonly options: LoadOptions } {
  if (model.includes('/') && !isAbsolute(model) && /^\.\.?\//.test(model)) {
    const message = `model "${model}" is relative to nothing here: give a name, or the whole path`;
    throw new ShoalError('REQUEST_INVALID', message, { details: { parameter: 'model' } });
  }
  return { model, options: options as LoadOptions };
}

/** What the picture of the cluster shows of a machine; a node that did not answer is silent. */
function machineOf({ nodeId, nodeName, facts, silent }: NodeReadiness) {
  if (facts === undefined) return { nodeId, nodeName, silent: silent ?? 'it does not describe itself' };
  const { machineId, machine, conditions, devices } = facts;
  return { nodeId, nodeName, machineId, ...machine, conditions, devices };
}

export function addCluster(server: FastifyInstance, { context, closing }: ApiParts): void {
  const { service } = context;
  const loading = {
    schema: {
      summary: 'Loads a model; answers when it serves.',
      body: loadSchema,
      answer: instanceAnswer,
      answerStatus: 201,
    },
  };
  const explaining = {
    schema: { summary: 'What loading would do, and why; loads nothing.', body: explainSchema, answer: explainAnswer },
  };
  const ofInstance = (schema: FastifySchema) => ({ schema: { ...schema, params: instanceParameters } });

  server.get(
    '/cluster',
    { schema: { summary: 'Nodes, instances, and what the cluster agrees on.', answer: clusterAnswer } },
    async () => {
      const [nodes, instances, state] = await Promise.all([service.nodes(), service.instances(), service.state()]);
      const { nodeName, softwareVersion } = context;
      return { node: { nodeId: service.nodeId, nodeName, softwareVersion }, nodes, instances, state };
    },
  );

  server.get(
    '/cluster/topology',
    { schema: { summary: 'Devices, interfaces and measured links.', answer: topologyAnswer } },
    async (_request, reply) => service.topology({ signal: clientSignal(reply) }),
  );

  server.get(
    '/cluster/machines',
    { schema: { summary: 'Memory, devices and conditions of every node’s machine.', answer: machinesAnswer } },
    async (_request, reply) => {
      const { nodes } = await service.readiness(undefined, clientSignal(reply));
      return { nodes: nodes.map(machineOf) };
    },
  );

  server.post<{ Body: ExplainBody }>('/cluster/explain', explaining, async ({ body }, reply) => {
    const { without, added, unloaded, ...load } = body;
    const { model, options } = splitBody(load);
    const whatIf = {
      ...(without === undefined ? {} : { without }),
      ...(added === undefined ? {} : { added: added as readonly PretendedNode[] }),
      ...(unloaded === undefined ? {} : { unloaded }),
    };
    return service.explain(model, options, clientSignal(reply), whatIf);
  });

  server.post<{ Body: LoadBody }>('/cluster/instances', loading, async ({ body }, reply) => {
    const { model, options } = splitBody(body);
    const loaded = await service.load(model, options, { signal: clientSignal(reply) });
    return reply.code(201).send(loaded);
  });

  server.delete<{ Params: InstanceParameters }>(
    '/cluster/instances/:instance',
    ofInstance({ summary: 'Unloads an instance from all its nodes.', answerStatus: 204 }),
    async ({ params }, reply) => {
      await service.unload(params.instance, clientSignal(reply));
      return reply.code(204).send();
    },
  );

  server.get(
    '/cluster/statistics',
    {
      schema: {
        summary: 'Counters of all members of what is loaded, as far as they answer.',
        answer: allStatisticsAnswer,
      },
    },
    async (_request, reply) => {
      const signal = clientSignal(reply);
      const ready = (await service.instances(signal)).filter(({ state }) => state === 'ready');
      // One that ends meanwhile is no error of who asks for all.
      const read = await Promise.allSettled(
        ready.map(async ({ instance }) => ({ instance, members: await service.statistics(instance, signal) })),
      );
      return { instances: read.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : [])) };
    },
  );

  server.get<{ Params: InstanceParameters }>(
    '/cluster/instances/:instance/statistics',
    ofInstance({ summary: 'Counters of all members: steps, and where their time went.', answer: statisticsAnswer }),
    async ({ params }, reply) => service.statistics(params.instance, clientSignal(reply)),
  );

  server.get(
    '/cluster/events',
    { schema: { summary: 'What happens from now on, as server-sent events.', answerType: eventStreamType } },
    async (_request, reply) => {
      const signal = AbortSignal.any([clientSignal(reply), closing]);
      const events = service.watch(signal);
      const stream = new EventStream(reply);
      try {
        for await (const event of events) await stream.send(event, event.kind);
      } catch {
        // Who watches sees the end of the stream, and asks again.
      }
      stream.end();
      return reply;
    },
  );
}
