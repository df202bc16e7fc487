/** The service of a node in another process, over its local socket. */
import { connectLocal } from '../control/local-socket.js';
import { messages, parseDocument } from '../control/messages.js';
import { RpcConnection } from '../control/rpc.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import { controlProtocolVersion } from '../spec/version.js';
import type { ClusterTopology } from '../topology/cluster-topology.js';
import type { ClusterState } from './cluster-state.js';
import type { NodeSummary } from './facts.js';
import { checkOrder } from './generation-rules.js';
import { generationFromMessage, orderToMessage } from './generation-wire.js';
import { resolveHome } from './home.js';
import { logRecordsFromMessage, logRequestToMessage } from './log-service.js';
import type { NodeOperationOutcome } from './operations.js';
import type { ClusterReadiness } from './readiness.js';
import type { Explanation, NodeService } from './service.js';
import { softwareVersion } from './software-version.js';
import { reportFromMessage, summaryFromMessage } from './wire.js';

/** A node answers once it has started, and that can take a while on a busy machine. */
const helloDeadlineMilliseconds = 30_000;
/** Planning reads checkpoints and builds programs. */
const explainDeadlineMilliseconds = 120_000;
const listDeadlineMilliseconds = 10_000;
/** Devices are probed. */
const topologyDeadlineMilliseconds = 30_000;
const unloadDeadlineMilliseconds = 20_000;

export interface RemoteNode {
  readonly service: NodeService;
  readonly nodeName: string;
  close(): Promise<void>;
}

/** Attaches to the node that runs in a home. Throws NODE_NOT_RUNNING, NODE_VERSION_MISMATCH. */
export async function attachNode(home?: string, signal?: AbortSignal): Promise<RemoteNode> {
  const channel = await connectLocal(resolveHome(home));
  const connection = new RpcConnection(channel, {});
  try {
    const hello = await connection.call(
      'hello',
      { protocolVersion: controlProtocolVersion, softwareVersion: softwareVersion(), role: messages.Hello.Role.CLIENT },
      { signal, deadlineMilliseconds: helloDeadlineMilliseconds },
    );
    connection.peer = hello;
    return {
      service: remoteService(connection, hello.nodeId ?? ''),
      nodeName: hello.nodeName ?? '',
      async close() {
        connection.close();
        await connection.closed;
      },
    };
  } catch (thrown) {
    connection.close();
    throw thrown;
  }
}

/** Whether a node answers in a home. */
export async function isNodeRunning(home?: string): Promise<boolean> {
  try {
    (await connectLocal(resolveHome(home))).abort(new Error('only looking'));
    return true;
  } catch {
    return false;
  }
}

function remoteService(connection: RpcConnection, nodeId: string): NodeService {
  return {
    nodeId,

    async nodes(signal) {
      const { nodesJson } = await connection.call('listNodes', {}, { signal });
      return parseDocument<NodeSummary[]>(nodesJson, 'the list of nodes');
    },

    async instances(signal) {
      const deadlines = { signal, deadlineMilliseconds: listDeadlineMilliseconds };
      const { instances } = await connection.call('listInstances', { everywhere: true }, deadlines);
      return (instances ?? []).map(summaryFromMessage);
    },

    async state(signal) {
      const { stateJson } = await connection.call('clusterState', {}, { signal });
      return parseDocument<ClusterState>(stateJson, 'the state of the cluster');
    },

    async operate(operation, signal) {
      // Draining has a deadline of its own.
      const request = { operationJson: JSON.stringify(operation) };
      const { outcomeJson } = await connection.call('operate', request, { signal, deadlineMilliseconds: 0 });
      return parseDocument<NodeOperationOutcome>(outcomeJson, 'what became of an operation');
    },

    async load(model, options, { signal, onProgress } = {}) {
      const request = { model, optionsJson: JSON.stringify(options) };
      for await (const { progress, loaded } of connection.stream('loadModel', request, { signal })) {
        if (progress) {
          onProgress?.({
            nodeId: progress.nodeId ?? '',
            nodeName: progress.nodeName ?? '',
            stage: progress.stage ?? 0,
            member: progress.member ?? 0,
            loadedBytes: progress.loadedBytes ?? 0,
            totalBytes: progress.totalBytes ?? 0,
          });
        }
        if (loaded) return summaryFromMessage(loaded);
      }
      throw new ShoalError('ENGINE_LOAD_FAILED', 'the node ended the load without a result');
    },

    async unload(instance, signal) {
      const deadlines = { signal, deadlineMilliseconds: unloadDeadlineMilliseconds };
      await connection.call('unloadModel', { instance }, deadlines);
    },

    async move(instance, request, signal) {
      // Moving waits for requests to end, and loads: only the caller knows how long that may take.
      const deadlines = { signal, deadlineMilliseconds: 0 };
      const message = { instance, optionsJson: JSON.stringify(request) };
      const { instance: moved, endedRequests } = await connection.call('moveModel', message, deadlines);
      if (!moved) throw new ShoalError('ENGINE_LOAD_FAILED', 'the node ended the move without a result');
      return { instance: summaryFromMessage(moved), endedRequests: endedRequests ?? 0 };
    },

    async explain(model, options, signal, whatIf) {
      const pretended = whatIf === undefined ? {} : { whatIfJson: JSON.stringify(whatIf) };
      const request = { model, optionsJson: JSON.stringify(options), ...pretended };
      const deadlines = { signal, deadlineMilliseconds: explainDeadlineMilliseconds };
      const { explanationJson } = await connection.call('explain', request, deadlines);
      return parseDocument<Explanation>(explanationJson, 'the explanation');
    },

    async *generate(instance, order, signal) {
      checkOrder(order);
      for await (const message of connection.stream('generate', orderToMessage(instance, order), { signal })) {
        const event = generationFromMessage(message);
        if (event) yield event;
      }
    },

    async statistics(instance, signal) {
      const deadlines = { signal, deadlineMilliseconds: listDeadlineMilliseconds };
      const { members } = await connection.call('statistics', { instance }, deadlines);
      return (members ?? []).map(reportFromMessage);
    },

    async readiness(model = '', signal, { factsOnly = false } = {}) {
      const deadlines = { signal, deadlineMilliseconds: topologyDeadlineMilliseconds };
      const { readinessJson } = await connection.call('readiness', { model, factsOnly }, deadlines);
      return parseDocument<ClusterReadiness>(readinessJson, 'the readiness of the cluster');
    },

    async topology({ fresh = false, signal } = {}) {
      const deadlines = { signal, deadlineMilliseconds: topologyDeadlineMilliseconds };
      const { topologyJson } = await connection.call('topology', { fresh }, deadlines);
      return parseDocument<ClusterTopology>(topologyJson, 'the topology');
    },

    async *logs(request, signal) {
      try {
        for await (const message of connection.stream('logs', logRequestToMessage(request), { signal })) {
          yield* logRecordsFromMessage(message);
        }
      } catch (thrown) {
        if (!signal.aborted) throw thrown;
      }
    },

    async *watch(signal) {
      try {
        for await (const { eventJson } of connection.stream('watch', {}, { signal })) {
          yield parseDocument<ClusterEvent>(eventJson, 'an event');
        }
      } catch (thrown) {
        // An observer that leaves, or whose cluster closes, has seen everything there was.
        if (signal.aborted || (ShoalError.is(thrown) && thrown.code === 'CLUSTER_CLOSED')) return;
        throw thrown;
      }
    },
  };
}
