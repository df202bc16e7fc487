/** What a node keeps of a member that runs on it, and the errors of requests that it cannot take. */
import type { AsyncQueue } from '../control/async-queue.js';
import type { WeightFileStates } from '../model/weight-files.js';
import { millisecondsPerTokenAt } from '../placement/prediction.js';
import { ShoalError } from '../spec/errors.js';
import type { Plan } from '../spec/plan.js';
import type { LoadCredentials, MemberAddress, MemberEndpoint } from '../spec/transport.js';
import type { InstanceRecord } from './instances.js';
import type { GenerationEvent, LoadOptions } from './service.js';
import type { WorkerHandle } from './worker-handle.js';

export interface PrepareMember {
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  readonly plan: Plan;
  readonly transport: string;
  readonly model: string;
  /** The node that orders the load. */
  readonly coordinatorId: string;
  readonly replaces?: readonly string[];
  readonly options?: LoadOptions;
}

export interface LoadMember {
  readonly instance: string;
  readonly self: MemberAddress;
  readonly endpoints: readonly MemberEndpoint[];
  readonly threads?: number;
  readonly queueCapacity?: number;
}

export interface LocalMember {
  readonly instance: string;
  readonly self: MemberAddress;
  readonly plan: Plan;
  readonly model: string;
  readonly name: string;
  readonly worker: WorkerHandle;
  readonly requests: Map<number, OpenRequest>;
  /** What it is loaded from, and what that was before. */
  weights: { readonly directory: string; readonly before: WeightFileStates } | undefined;
  onProgress: ((loadedBytes: number, totalBytes: number) => void) | undefined;
  nextRequestId: number;
  /** This node has ended it; what it says after that is of no account. */
  isStopped: boolean;
  /** Milliseconds a token of the last answers that were alone. */
  readonly speeds: number[];
}

/** A request of which not all choices have ended. */
export interface OpenRequest {
  readonly queue: AsyncQueue<GenerationEvent>;
  unfinishedChoices: number;
}

/** Answers that a measured speed is the median of; fewer say nothing. */
const keptSpeeds = 8;
const leastSpeeds = 4;
/** Shorter answers are mostly beginning. */
const leastTokens = 8;

/** What of an answer's end says how fast it was. */
export interface AnswerPace {
  readonly promptTokens: number;
  readonly generatedTokens: number;
  readonly decodeMicroseconds: number;
}

/**
 * Notes how fast an answer was, if it had the instance to itself: as it would have been in the middle of a conversation,
 * which plans speak of. At the end of a long one attention takes longer, and nothing is wrong with that.
 */
export function noteSpeed(
  { requests, speeds, plan: { predicted } }: Pick<LocalMember, 'requests' | 'speeds' | 'plan'>,
  { promptTokens, generatedTokens, decodeMicroseconds }: AnswerPace,
): void {
  if (requests.size > 1 || generatedTokens < leastTokens) return;
  const measured = decodeMicroseconds / 1000 / (generatedTokens - 1);
  const positions = promptTokens + generatedTokens / 2;
  const longer = predicted ? millisecondsPerTokenAt(predicted, positions) / predicted.millisecondsPerToken : 1;
  speeds.push(measured / longer);
  if (speeds.length > keptSpeeds) speeds.shift();
}

/** Milliseconds of a token; undefined where there were too few answers. */
export function measuredSpeed({ speeds }: Pick<LocalMember, 'speeds'>): number | undefined {
  if (speeds.length < leastSpeeds) return undefined;
  return speeds.toSorted((left, right) => left - right)[speeds.length >> 1];
}

export function memberKey(instance: string, { stage, member }: MemberAddress): string {
  return `${instance}/${stage}/${member}`;
}

/** The error of a request to an instance whose place another one takes. */
export function instanceMoved({ id, plan, successor }: InstanceRecord): ShoalError {
  const where = successor ? `instance ${successor}` : 'an instance that is being loaded';
  return new ShoalError('INSTANCE_MOVED', `${plan.modelName} is served by ${where} instead of ${id}`, {
    details: { instance: id, ...(successor ? { successor } : {}) },
  });
}

/** The error of a request to an instance that has failed earlier. */
export function instanceFailed(record: InstanceRecord): ShoalError {
  const { failure } = record;
  return new ShoalError(
    'INSTANCE_FAILED',
    `${record.plan.modelName} stopped serving: ${failure?.message ?? 'unknown'}`,
    {
      cause: failure,
      details: { instance: record.id, causeCode: failure?.code, ...failure?.details },
    },
  );
}

/** For an order that ended because its instance did. */
export function unloadedWhile(instance: string, order: 'prepared' | 'loaded'): ShoalError {
  return new ShoalError('INSTANCE_NOT_FOUND', `instance ${instance} was unloaded while it was ${order}`);
}
