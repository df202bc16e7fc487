/**
 * The control messages and the methods they make up. Everything that may come over the wire is named here, so nothing
 * else imports the generated code.
 */
import { Reader } from 'protobufjs/minimal.js';
import { shoal } from '../../generated/control.js';
import { errorFromCode, ShoalError } from '../spec/errors.js';

// A newer node's fields survive being passed on by an older one.
Reader.discardUnknown = false;

export import messages = shoal.control;

/** Request and response of every method. `streams` marks those that answer more than once. */
export interface ControlMethods {
  hello: { request: messages.Hello.$Properties; response: messages.Hello.$Properties };
  ping: { request: messages.Ping.$Properties; response: messages.Ping.$Properties };
  describe: { request: messages.DescribeRequest.$Properties; response: messages.DescribeResponse.$Properties };
  prepare: { request: messages.PrepareRequest.$Properties; response: messages.PrepareResponse.$Properties };
  load: { request: messages.LoadRequest.$Properties; response: messages.LoadResponse.$Properties };
  release: { request: messages.ReleaseRequest.$Properties; response: messages.ReleaseResponse.$Properties };
  report: { request: messages.ReportRequest.$Properties; response: messages.ReportResponse.$Properties };
  generate: { request: messages.GenerateRequest.$Properties; response: messages.GenerateResponse.$Properties };
  listInstances: {
    request: messages.ListInstancesRequest.$Properties;
    response: messages.ListInstancesResponse.$Properties;
  };
  listNodes: { request: messages.ListNodesRequest.$Properties; response: messages.ListNodesResponse.$Properties };
  loadModel: { request: messages.LoadModelRequest.$Properties; response: messages.LoadModelResponse.$Properties };
  unloadModel: { request: messages.UnloadModelRequest.$Properties; response: messages.UnloadModelResponse.$Properties };
  explain: { request: messages.ExplainRequest.$Properties; response: messages.ExplainResponse.$Properties };
  watch: { request: messages.WatchRequest.$Properties; response: messages.WatchResponse.$Properties };
  statistics: { request: messages.StatisticsRequest.$Properties; response: messages.StatisticsResponse.$Properties };
  logs: { request: messages.LogsRequest.$Properties; response: messages.LogsResponse.$Properties };
  moveModel: { request: messages.MoveModelRequest.$Properties; response: messages.MoveModelResponse.$Properties };
  drain: { request: messages.DrainRequest.$Properties; response: messages.DrainResponse.$Properties };
  links: { request: messages.LinksRequest.$Properties; response: messages.LinksResponse.$Properties };
  readiness: { request: messages.ReadinessRequest.$Properties; response: messages.ReadinessResponse.$Properties };
  clock: { request: messages.ClockRequest.$Properties; response: messages.ClockResponse.$Properties };
  topology: { request: messages.TopologyRequest.$Properties; response: messages.TopologyResponse.$Properties };
  goodbye: { request: messages.Goodbye.$Properties; response: messages.Goodbye.$Properties };
  consensus: { request: messages.ConsensusRequest.$Properties; response: messages.ConsensusResponse.$Properties };
  clusterState: {
    request: messages.ClusterStateRequest.$Properties;
    response: messages.ClusterStateResponse.$Properties;
  };
  adopt: { request: messages.AdoptRequest.$Properties; response: messages.AdoptResponse.$Properties };
  operate: { request: messages.OperateRequest.$Properties; response: messages.OperateResponse.$Properties };
}

export type ControlMethod = keyof ControlMethods;
export type RequestOf<Method extends ControlMethod> = ControlMethods[Method]['request'];
export type ResponseOf<Method extends ControlMethod> = ControlMethods[Method]['response'];

/** Encodes an error for the wire: no stack, no cause. */
export function failureFromError(thrown: unknown): messages.Failure.$Properties {
  const { code, message, details } = ShoalError.from(thrown);
  return { code, message: message.slice(0, 16_384), detailsJson: boundedJson(details) };
}

function boundedJson(details: Readonly<Record<string, unknown>>): string {
  try {
    const text = JSON.stringify(details);
    return text.length <= 65_536 ? text : '{}';
  } catch {
    // Details that JSON cannot hold must not hide the error they belong to.
    return '{}';
  }
}

/** The error a failure stands for. */
export function errorFromFailure(failure: messages.Failure.$Properties): ShoalError {
  let details: Record<string, unknown> = {};
  try {
    const parsed: unknown = failure.detailsJson ? JSON.parse(failure.detailsJson) : {};
    if (typeof parsed === 'object' && parsed !== null && !Array.isArray(parsed)) details = parsed as typeof details;
  } catch {
    // The code and message still say what happened.
  }
  return errorFromCode(failure.code ?? '', failure.message || 'no message', { details });
}

/** Parses a JSON document of a message; `what` names it in the error. */
export function parseDocument<Document>(text: string | null | undefined, what: string): Document {
  try {
    return JSON.parse(text ?? '') as Document;
  } catch (thrown) {
    throw new ShoalError('REQUEST_INVALID', `${what} is not valid JSON`, { cause: thrown });
  }
}
