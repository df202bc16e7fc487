/** Log records for programs and for other nodes: this node's, or another's through this one. */
import { messages, parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import { ShoalError } from '../spec/errors.js';
import type { ClusterEvent } from '../spec/events.js';
import { type LogFilter, type LogRecord, logLevels, type NodeLog } from './log.js';
import type { NodeSettings } from './settings.js';

export interface LogRequest extends LogFilter {
  /** Go on with what comes, until the signal aborts. */
  readonly follow?: boolean;
  /** Name or id of another node of the cluster. */
  readonly node?: string;
}

export function logRequestToMessage({ level, since, follow, node }: LogRequest): messages.LogsRequest.$Properties {
  return { level: level ?? 'info', since: since ?? 0, follow: follow ?? false, node: node ?? '' };
}

/** Throws REQUEST_INVALID. */
export function logRequestFromMessage({ level, since, follow, node }: messages.LogsRequest.$Properties): LogRequest {
  const known = logLevels.find((one) => one === (level || 'info'));
  if (!known) throw new ShoalError('REQUEST_INVALID', `there is no log level "${level}": ${logLevels.join(', ')}`);
  return { level: known, since: since ?? 0, follow: follow ?? false, ...(node ? { node } : {}) };
}

export function logRecordsFromMessage({ recordsJson }: messages.LogsResponse.$Properties): LogRecord[] {
  return (recordsJson ?? []).map((text) => parseDocument<LogRecord>(text, 'a log record'));
}

/** The records of this node that are wanted. */
export async function* ownLogs(log: NodeLog, request: LogRequest, signal: AbortSignal): AsyncGenerator<LogRecord> {
  if (request.follow) yield* log.follow(request, signal);
  else yield* log.records(request);
}

/** Throws NODE_UNREACHABLE for a node that is not connected. */
export async function* logsOf(
  parts: { readonly log: NodeLog; readonly peers: Peers; readonly settings: NodeSettings },
  request: LogRequest,
  signal: AbortSignal,
): AsyncGenerator<LogRecord> {
  const { node } = request;
  const { settings, peers } = parts;
  if (node === undefined || node === settings.nodeName || node === settings.nodeId) {
    yield* ownLogs(parts.log, request, signal);
    return;
  }
  const peer = peers.list().find(({ nodeName, nodeId }) => nodeName === node || nodeId === node);
  if (!peer) {
    const known = [settings.nodeName, ...peers.list().map(({ nodeName }) => nodeName)].join(', ');
    throw new ShoalError('NODE_UNREACHABLE', `no node "${node}" is connected; there are ${known}`, {
      details: { node },
    });
  }
  const { node: _self, ...own } = request;
  for await (const message of peer.connection.stream('logs', logRequestToMessage(own), { signal })) {
    yield* logRecordsFromMessage(message);
  }
}

/** Writes down what the node's observers hear. Progress of loads would drown the rest. */
export function logEvent(log: NodeLog, event: ClusterEvent): void {
  switch (event.kind) {
    case 'node-joined':
      log.write('info', 'node', `${event.nodeName} joined`, { nodeId: event.nodeId });
      break;
    case 'node-left':
      log.write('info', 'node', `${event.nodeName} left`, { nodeId: event.nodeId });
      break;
    case 'node-lost':
      log.write('warn', 'node', `${event.nodeName} was lost: ${event.reason}`, { nodeId: event.nodeId });
      break;
    case 'node-unreachable':
      log.write('warn', 'node', event.message, { addresses: event.addresses, code: event.code });
      break;
    case 'node-refused':
      log.write('warn', 'node', event.message, { address: event.address, code: event.code });
      break;
    case 'leader-changed':
      log.write('info', 'cluster', `${event.nodeName || event.nodeId} leads`, {
        nodeId: event.nodeId,
        term: event.term,
      });
      break;
    case 'instance-loaded': {
      const { modelName, stages } = event.plan;
      const members = stages.reduce((sum, stage) => sum + stage.members.length, 0);
      log.write('info', 'instance', `${modelName} serves`, { instance: event.instance, members });
      break;
    }
    case 'instance-unloaded':
      log.write('info', 'instance', 'an instance was unloaded', { instance: event.instance });
      break;
    case 'instance-failed': {
      const { instance, code, message, nodeId } = event;
      log.write('error', 'instance', message, { instance, code, ...(nodeId === undefined ? {} : { nodeId }) });
      break;
    }
    default:
  }
}
