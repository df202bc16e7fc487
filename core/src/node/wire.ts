/** Between the node's types and the control messages. Everything that comes in is checked here. */
import { maximumReplaced } from '../consensus/facts.js';
import { errorFromFailure, failureFromError, messages, parseDocument } from '../control/messages.js';
import { type ManualStage, placementObjectives, placementPolicies } from '../placement/request.js';
import { isStorageType } from '../program/storage.js';
import type { MemberStatistics } from '../spec/engine.js';
import { ShoalError } from '../spec/errors.js';
import type { Plan, PlanMember } from '../spec/plan.js';
import type { LoadCredentials, MemberAddress, MemberEndpoint } from '../spec/transport.js';
import type { InstanceState, InstanceSummary, LoadOptions, MemberReport, MoveRequest } from './service.js';

export const failureToMessage = failureFromError;
export const failureFromMessage = errorFromFailure;

const stateNumbers: Readonly<Record<InstanceState, messages.InstanceSummary.State>> = {
  loading: messages.InstanceSummary.State.LOADING,
  ready: messages.InstanceSummary.State.READY,
  failed: messages.InstanceSummary.State.FAILED,
  unloaded: messages.InstanceSummary.State.UNLOADED,
};

const stateNames = new Map(Object.entries(stateNumbers).map(([name, number]) => [number, name as InstanceState]));

export function summaryToMessage(summary: InstanceSummary): messages.InstanceSummary.$Properties {
  const { instance, epoch, state, model, plan, replaces = [], options = {}, failure } = summary;
  return {
    instance,
    epoch,
    state: stateNumbers[state],
    model,
    planJson: JSON.stringify(plan),
    replaces: [...replaces],
    optionsJson: JSON.stringify(options),
    ...(failure === undefined ? {} : { failure }),
  };
}

export function summaryFromMessage(message: messages.InstanceSummary.$Properties): InstanceSummary {
  const { failure, replaces } = message;
  const options = loadOptionsFromJson(message.optionsJson);
  return {
    instance: instanceId(message.instance),
    epoch: message.epoch ?? 0,
    state: stateNames.get(message.state ?? 0) ?? 'failed',
    model: message.model ?? '',
    plan: planFromJson(message.planJson),
    ...(Object.keys(options).length > 0 ? { options } : {}),
    ...(replaces?.length ? { replaces: instanceIds(replaces) } : {}),
    ...(failure ? { failure: { code: failure.code ?? 'INTERNAL', message: failure.message ?? '' } } : {}),
  };
}

export function reportToMessage(report: MemberReport): messages.MemberReport.$Properties {
  const { stage, member, nodeId, nodeName, statistics } = report;
  return { address: { stage, member }, nodeId, nodeName, statisticsJson: JSON.stringify(statistics) };
}

export function reportFromMessage(message: messages.MemberReport.$Properties): MemberReport {
  return {
    ...memberAddress(message.address),
    nodeId: message.nodeId ?? '',
    nodeName: message.nodeName ?? '',
    statistics: parseDocument<MemberStatistics>(message.statisticsJson, 'the statistics of a member'),
  };
}

/** Throws REQUEST_INVALID unless it is 16 hex digits. */
export function instanceId(text: string | null | undefined): string {
  if (!text || !/^[0-9a-f]{16}$/.test(text)) throw invalid('the instance is not 16 hexadecimal digits');
  return text;
}

export function instanceIds(texts: readonly string[] | null | undefined): string[] {
  return (texts ?? []).slice(0, maximumReplaced).map(instanceId);
}

export function credentialsFromMessage(message: messages.Credentials.$Properties | null | undefined): LoadCredentials {
  const { instance, epoch, secret } = message ?? {};
  if (!secret || !/^[0-9a-f]{64}$/.test(secret)) throw invalid('the secret is not 64 hexadecimal digits');
  return { instance: instanceId(instance), epoch: epoch ?? 0, secret };
}

export function memberAddress(message: messages.MemberAddress.$Properties | null | undefined): MemberAddress {
  return { stage: message?.stage ?? 0, member: message?.member ?? 0 };
}

const maximumStages = 4096;

/** Checks what this node relies on; a member's program is checked against the digest before it runs. */
export function planFromJson(text: string | null | undefined): Plan {
  const plan = parseDocument<Partial<Plan>>(text, 'the plan');
  const isPositive = (value: unknown) => Number.isSafeInteger(value) && (value as number) > 0;
  const isText = (value: unknown) => typeof value === 'string';
  const valid =
    typeof plan === 'object' &&
    plan !== null &&
    [plan.modelName, plan.modelDigest, plan.strategy, plan.strategyVersion].every(isText) &&
    isPositive(plan.contextLength) &&
    isPositive(plan.slotCount) &&
    (plan.stateStorage === 'f16' || plan.stateStorage === 'f32') &&
    Array.isArray(plan.stages) &&
    plan.stages.length > 0 &&
    plan.stages.length <= maximumStages &&
    plan.stages.every(
      (stage) =>
        isRange(stage?.layers) &&
        typeof stage.cuts === 'object' &&
        stage.cuts !== null &&
        Object.values(stage.cuts).every((ranges) => Array.isArray(ranges) && ranges.every(isRange)) &&
        Array.isArray(stage.members) &&
        stage.members.length > 0 &&
        stage.members.every((member: Partial<PlanMember> | null | undefined) =>
          [member?.nodeId, member?.nodeName, member?.backend, member?.deviceId, member?.programDigest].every(isText),
        ),
    );
  if (!valid) throw invalid('the plan lacks fields or has wrong ones');
  return plan as Plan;
}

const isRange = (range: unknown) => Array.isArray(range) && range.length === 2 && range.every(Number.isSafeInteger);

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

/** Where the members listen; what else an endpoint holds is the business of its transport. */
const isAddressList = (value: unknown) =>
  Array.isArray(value) && value.length <= 64 && value.every((one) => typeof one === 'string' && one.length <= 256);

export function endpointsFromJson(text: string | null | undefined): MemberEndpoint[] {
  const endpoints = parseDocument<unknown>(text, 'the list of endpoints');
  const isEndpoint = (one: unknown) =>
    isObject(one) &&
    Number.isSafeInteger(one.stage) &&
    Number.isSafeInteger(one.member) &&
    typeof one.nodeId === 'string' &&
    isObject(one.endpoint) &&
    typeof one.endpoint.transport === 'string' &&
    typeof one.endpoint.host === 'string' &&
    (one.preferredAddresses === undefined || isAddressList(one.preferredAddresses));
  if (!Array.isArray(endpoints) || !endpoints.every(isEndpoint)) throw invalid('the list of endpoints is not one');
  return endpoints as MemberEndpoint[];
}

/** Types only; placement says what is wrong with values, and by name. */
export function loadOptionsFromJson(text: string | null | undefined): LoadOptions {
  if (!text) return {};
  const options = parseDocument<unknown>(text, 'the list of load options');
  if (!isObject(options)) throw invalid('the load options are not an object');
  const has = (name: keyof LoadOptions, type: string) => options[name] === undefined || typeof options[name] === type;
  if (!has('plan', 'string') || !has('wish', 'string')) throw invalid('plan or wish is not a text');
  if (!has('contextLength', 'number') || !has('slotCount', 'number')) {
    throw invalid('contextLength or slotCount is not a number');
  }
  const { storage, stateStorage, queueCapacity, policy, objective, manual } = options;
  if (policy !== undefined && !placementPolicies.some((one) => one === policy)) {
    throw invalid(`policy is none of ${placementPolicies.join(', ')}`);
  }
  if (objective !== undefined && !placementObjectives.some((one) => one === objective)) {
    throw invalid(`objective is none of ${placementObjectives.join(', ')}`);
  }
  if (manual !== undefined && !(Array.isArray(manual) && manual.every(isManualStage))) {
    throw invalid('manual is not a list of stages with members');
  }
  if (queueCapacity !== undefined && !isQueueCapacity(queueCapacity)) {
    throw invalid(`queueCapacity is not an integer from 0 to ${largestQueueCapacity}`);
  }
  if (stateStorage !== undefined && stateStorage !== 'f16' && stateStorage !== 'f32') {
    throw invalid('stateStorage is neither f16 nor f32');
  }
  if (storage !== undefined && !(isObject(storage) && isStorage(storage.matrix) && isStorage(storage.embedding))) {
    throw invalid('storage does not name known types for matrix and embedding');
  }
  return options;
}

const moveSequences = ['load-first', 'unload-first', 'as-memory-allows'] as const;

/** Types only, as `loadOptionsFromJson`. */
export function moveRequestFromJson(text: string | null | undefined): MoveRequest {
  const request = parseDocument<unknown>(text, 'the order to move');
  if (!isObject(request) || typeof request.reason !== 'string') throw invalid('the order to move has no reason');
  const { reason, without, options, drainDeadlineMilliseconds, sequence } = request;
  if (without !== undefined && !(Array.isArray(without) && without.every((one) => typeof one === 'string'))) {
    throw invalid('without is not a list of nodes');
  }
  if (drainDeadlineMilliseconds !== undefined && !(Number(drainDeadlineMilliseconds) >= 0)) {
    throw invalid('drainDeadlineMilliseconds is not a number from 0');
  }
  const known = moveSequences.find((one) => one === sequence);
  if (sequence !== undefined && known === undefined) throw invalid(`sequence is none of ${moveSequences.join(', ')}`);
  return {
    reason,
    ...(without === undefined ? {} : { without: without.map(String) }),
    ...(options === undefined ? {} : { options: loadOptionsFromJson(JSON.stringify(options)) }),
    ...(drainDeadlineMilliseconds === undefined
      ? {}
      : { drainDeadlineMilliseconds: Number(drainDeadlineMilliseconds) }),
    ...(known === undefined ? {} : { sequence: known }),
  };
}

function isManualStage(stage: unknown): stage is ManualStage {
  if (!isObject(stage) || !Array.isArray(stage.members)) return false;
  const { layers } = stage;
  if (layers !== undefined && !isRange(layers)) return false;
  return stage.members.every(
    (member: unknown) =>
      isObject(member) &&
      typeof member.node === 'string' &&
      (member.device === undefined || typeof member.device === 'string') &&
      (member.share === undefined || (Number.isFinite(member.share) && Number(member.share) >= 0)),
  );
}

const largestQueueCapacity = 1_000_000;

const isQueueCapacity = (value: unknown) =>
  Number.isSafeInteger(value) && (value as number) >= 0 && (value as number) <= largestQueueCapacity;

const isStorage = (value: unknown): boolean =>
  typeof value === 'string' && (value === 'as-stored' || isStorageType(value));

/** A field of a message or an option that is not what it must be. */
export function invalid(what: string): ShoalError {
  return new ShoalError('REQUEST_INVALID', `a request is wrong: ${what}`);
}
