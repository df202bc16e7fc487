/** What other nodes of the cluster may ask of this one. */
import { AsyncQueue } from '../control/async-queue.js';
import { messages } from '../control/messages.js';
import type { CallContext, ControlHandlers } from '../control/rpc.js';
import { isStorageType } from '../program/storage.js';
import { ShoalError } from '../spec/errors.js';
import type { Agreement } from './agreement.js';
import type { NodeSummary } from './facts.js';
import { generationToMessage, orderFromMessage } from './generation-wire.js';
import { type Instances, nodesOf, summarize } from './instances.js';
import type { LocalMembers } from './local-members.js';
import type { NodeLog } from './log.js';
import { logRequestFromMessage, ownLogs } from './log-service.js';
import type { NodeDescriber } from './node-describer.js';
import { measureFromMessage, type NodeLinks } from './node-links.js';
import { type Operations, operationFromJson } from './operations.js';
import {
  credentialsFromMessage,
  endpointsFromJson,
  failureFromMessage,
  instanceId,
  instanceIds,
  loadOptionsFromJson,
  memberAddress,
  planFromJson,
  reportToMessage,
  summaryToMessage,
} from './wire.js';

export interface PeerHandlerParts {
  readonly describer: NodeDescriber;
  readonly instances: Instances;
  readonly members: LocalMembers;
  readonly agreement: Agreement;
  readonly operations: Pick<Operations, 'obey'>;
  readonly log: NodeLog;
  readonly links: NodeLinks;
  readonly listNodes: () => readonly NodeSummary[];
}

const maximumModelNameLength = 4096;

export function peerHandlers({
  describer,
  instances,
  members,
  agreement,
  operations,
  log,
  links,
  listNodes,
}: PeerHandlerParts): ControlHandlers {
  /** Only the nodes of an instance decide about it. */
  const requireInvolved = (instance: string, { connection }: CallContext) => {
    const record = instances.get(instance);
    const nodeId = connection.peer?.nodeId ?? '';
    if (record && !nodesOf(record).has(nodeId)) {
      throw new ShoalError('REQUEST_INVALID', `node ${nodeId} has no part in instance ${instance}`);
    }
    return record;
  };

  return {
    ping: () => ({}),

    clock: () => ({ clockMilliseconds: Date.now() }),

    async describe({ model, storageTypes }) {
      if ((model?.length ?? 0) > maximumModelNameLength) {
        throw new ShoalError('REQUEST_INVALID', 'the name of a model is too long');
      }
      return {
        factsJson: JSON.stringify(
          await describer.describe(model || undefined, (storageTypes ?? []).filter(isStorageType)),
        ),
      };
    },

    async prepare(request, { connection, signal }) {
      const endpoint = await members.prepare(
        {
          credentials: credentialsFromMessage(request.credentials),
          self: memberAddress(request.self),
          plan: planFromJson(request.planJson),
          transport: request.transport ?? '',
          model: request.model ?? '',
          coordinatorId: connection.peer?.nodeId ?? '',
          replaces: instanceIds(request.replaces),
          options: loadOptionsFromJson(request.optionsJson),
        },
        signal,
      );
      return { endpointJson: JSON.stringify(endpoint) };
    },

    async *load(request, context) {
      const instance = instanceId(request.instance);
      requireInvolved(instance, context);
      const queue = new AsyncQueue<messages.LoadResponse.$Properties>();
      const loading = members
        .load(
          {
            instance,
            self: memberAddress(request.self),
            endpoints: endpointsFromJson(request.endpointsJson),
            ...(request.threads ? { threads: request.threads } : {}),
            ...(request.queueCapacity == null ? {} : { queueCapacity: request.queueCapacity }),
          },
          (loadedBytes, totalBytes) => queue.push({ progress: { loadedBytes, totalBytes } }),
          context.signal,
        )
        .then(
          () => {
            queue.push({ ready: {} });
            queue.complete();
          },
          (thrown: unknown) => queue.fail(ShoalError.from(thrown, 'ENGINE_LOAD_FAILED')),
        );
      yield* queue;
      await loading;
    },

    async release({ instance: id }, context) {
      const instance = instanceId(id);
      requireInvolved(instance, context);
      await members.release(instance);
      return {};
    },

    report({ instance: summary }, context) {
      const id = instanceId(summary?.instance);
      requireInvolved(id, context);
      if (summary?.state === messages.InstanceSummary.State.READY) instances.ready(id);
      if (summary?.state === messages.InstanceSummary.State.FAILED && summary.failure) {
        instances.fail(id, failureFromMessage(summary.failure), 'reported');
      }
      return {};
    },

    adopt({ instance, replaces }) {
      instances.adopt(instanceId(instance), instanceIds(replaces));
      return {};
    },

    async drain(request, { signal }) {
      const { successor, deadlineMilliseconds = 0 } = request;
      const instance = instanceId(request.instance);
      const next = successor ? instanceId(successor) : '';
      return { remainingRequests: await members.drain(instance, next, deadlineMilliseconds ?? 0, signal) };
    },

    async *generate(request, { signal }) {
      const instance = instanceId(request.instance);
      for await (const event of members.generate(instance, orderFromMessage(request), signal)) {
        yield generationToMessage(event);
      }
    },

    async statistics({ instance: id }, context) {
      const instance = instanceId(id);
      return { members: (await members.statistics(instance, context.signal)).map(reportToMessage) };
    },

    async links({ measure, deadlineMilliseconds }, { signal }) {
      const report = await links.report(measureFromMessage(measure), deadlineMilliseconds ?? 0, signal);
      return { reportJson: JSON.stringify(report) };
    },

    async *logs(request, { signal }) {
      for await (const record of ownLogs(log, logRequestFromMessage(request), signal)) {
        yield { recordsJson: [JSON.stringify(record)] };
      }
    },

    listInstances: () => ({
      // Instances that are still loading are nobody else's business, unless requests wait for them.
      instances: instances
        .list()
        .filter(({ state, replaces }) => state !== 'loading' || replaces.length > 0)
        .map((record) => summaryToMessage(summarize(record))),
    }),

    consensus(request, { connection }) {
      agreement.receive(connection.peer?.nodeId ?? '', request);
      return {};
    },

    async operate({ operationJson }, { signal }) {
      return { outcomeJson: JSON.stringify(await operations.obey(operationFromJson(operationJson), signal)) };
    },

    listNodes: () => ({ nodesJson: JSON.stringify(listNodes()) }),
  };
}
