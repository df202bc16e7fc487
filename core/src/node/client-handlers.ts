/** What programs on this machine may ask of the node, over its local socket: its whole service. */
import { AsyncQueue } from '../control/async-queue.js';
import type { messages } from '../control/messages.js';
import type { ControlHandlers, RpcConnection } from '../control/rpc.js';
import { ShoalError } from '../spec/errors.js';
import { controlProtocolVersion } from '../spec/version.js';
import { generationToMessage, orderFromMessage } from './generation-wire.js';
import { logRequestFromMessage } from './log-service.js';
import { operationFromJson } from './operations.js';
import type { NodeService } from './service.js';
import { whatIfFromJson } from './what-if-wire.js';
import { instanceId, loadOptionsFromJson, moveRequestFromJson, reportToMessage, summaryToMessage } from './wire.js';

/** The handshake comes first: everything else is refused until versions have been compared. */
export function clientHandlers(
  service: NodeService,
  self: () => messages.Hello.$Properties,
  admitted: (handlers: ControlHandlers) => void,
): ControlHandlers {
  return {
    hello(hello) {
      if (hello.protocolVersion !== controlProtocolVersion) {
        const message =
          `the program speaks control protocol ${hello.protocolVersion ?? 0}, ` +
          `the node in this SHOAL_HOME speaks ${controlProtocolVersion}`;
        throw new ShoalError('NODE_VERSION_MISMATCH', message);
      }
      admitted(serviceHandlers(service));
      return self();
    },
  };
}

function serviceHandlers(service: NodeService): ControlHandlers {
  // What a program loaded does not outlive it, however it ends.
  const loaded = new Set<string>();
  let isWatched = false;
  const own = (instance: string, connection: RpcConnection) => {
    loaded.add(instance);
    if (isWatched) return;
    isWatched = true;
    void connection.closed.then(() => Promise.allSettled([...loaded].map((one) => service.unload(one))));
  };
  return {
    ping: () => ({}),

    async listNodes(_request, { signal }) {
      return { nodesJson: JSON.stringify(await service.nodes(signal)) };
    },

    async listInstances(_request, { signal }) {
      return { instances: (await service.instances(signal)).map(summaryToMessage) };
    },

    async clusterState(_request, { signal }) {
      return { stateJson: JSON.stringify(await service.state(signal)) };
    },

    async operate({ operationJson }, { signal }) {
      return { outcomeJson: JSON.stringify(await service.operate(operationFromJson(operationJson), signal)) };
    },

    async *loadModel(request, { signal, connection }) {
      const queue = new AsyncQueue<messages.LoadModelResponse.$Properties>();
      const loading = service
        .load(request.model ?? '', loadOptionsFromJson(request.optionsJson), {
          signal,
          onProgress: (progress) => queue.push({ progress }),
        })
        .then(
          (summary) => {
            own(summary.instance, connection);
            queue.push({ loaded: summaryToMessage(summary) });
            queue.complete();
          },
          (thrown: unknown) => queue.fail(ShoalError.from(thrown, 'ENGINE_LOAD_FAILED')),
        );
      yield* queue;
      await loading;
    },

    async unloadModel({ instance }, { signal }) {
      await service.unload(instanceId(instance), signal);
      return {};
    },

    async moveModel({ instance, optionsJson }, { signal }) {
      const moved = await service.move(instanceId(instance), moveRequestFromJson(optionsJson), signal);
      return { instance: summaryToMessage(moved.instance), endedRequests: moved.endedRequests };
    },

    async explain(request, { signal }) {
      const options = loadOptionsFromJson(request.optionsJson);
      const whatIf = whatIfFromJson(request.whatIfJson);
      const explanation = await service.explain(request.model ?? '', options, signal, whatIf);
      return { explanationJson: JSON.stringify(explanation) };
    },

    async *generate(request, { signal }) {
      const instance = instanceId(request.instance);
      for await (const event of service.generate(instance, orderFromMessage(request), signal)) {
        yield generationToMessage(event);
      }
    },

    async statistics({ instance }, { signal }) {
      return { members: (await service.statistics(instanceId(instance), signal)).map(reportToMessage) };
    },

    async readiness({ model, factsOnly }, { signal }) {
      const readiness = await service.readiness(model || undefined, signal, { factsOnly: factsOnly ?? false });
      return { readinessJson: JSON.stringify(readiness) };
    },

    async topology({ fresh }, { signal }) {
      return { topologyJson: JSON.stringify(await service.topology({ fresh: fresh ?? false, signal })) };
    },

    async *logs(request, { signal }) {
      for await (const record of service.logs(logRequestFromMessage(request), signal)) {
        yield { recordsJson: [JSON.stringify(record)] };
      }
    },

    async *watch(_request, { signal }) {
      for await (const event of service.watch(signal)) yield { eventJson: JSON.stringify(event) };
    },
  };
}
