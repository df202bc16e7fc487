/** Whether a loaded model should move to another plan: a pure decision, with hysteresis so that nothing moves to and fro. */
import type { Plan } from '../spec/plan.js';
import { formatMilliseconds } from './format.js';

export interface ReconsiderSettings {
  /** Least part of a token's time that the new plan saves. */
  readonly minimumGain: number;
  /** Figures that were not measured are no reason to move, unless this is set. */
  readonly trustAssumedFigures: boolean;
  /** After a load or a move, it stays for so long. */
  readonly coolDownSeconds: number;
  /** The time in which a move has to pay for itself, if the model answered without a pause. */
  readonly horizonSeconds: number;
  /** Weights that a node loads in a second; a guess that is on the slow side. */
  readonly loadBytesPerSecond: number;
  /** How much slower than predicted it has to be for that to count as a drift. */
  readonly driftFactor: number;
}

export const reconsiderDefaults: ReconsiderSettings = {
  minimumGain: 0.3,
  trustAssumedFigures: false,
  coolDownSeconds: 300,
  horizonSeconds: 1800,
  loadBytesPerSecond: 200e6,
  driftFactor: 1.3,
};

export interface LoadedPlan {
  readonly plan: Plan;
  /** What the planner would say of it by the facts of now; undefined where one of its devices is not there any more. */
  readonly millisecondsPerToken: number | undefined;
  /** The median of single answers lately; undefined where there were too few. */
  readonly measuredMillisecondsPerToken: number | undefined;
  /** Since it was loaded. */
  readonly ageSeconds: number;
}

export interface NewFacts {
  /** What would be planned now, if the loaded plan's memory were free; undefined where nothing would fit. */
  readonly candidate: Plan | undefined;
  /** Nodes that take no shares any more, by id, with the reason. */
  readonly cordoned: ReadonlyMap<string, string>;
}

export interface Reconsideration {
  readonly decision: 'stay' | 'move';
  /** For people. */
  readonly reason: string;
  /** Part of a token's time that is saved; below 0 where it would be slower. */
  readonly gain?: number;
  /** Loading the new plan. */
  readonly costSeconds?: number;
}

export function reconsider(
  current: LoadedPlan,
  { candidate, cordoned }: NewFacts,
  settings: ReconsiderSettings = reconsiderDefaults,
): Reconsideration {
  if (candidate === undefined) return stay('no other plan fits');
  const leaving = membersOf(current.plan).find(({ nodeId }) => cordoned.has(nodeId));
  const costSeconds = loadSeconds(candidate, settings);
  if (leaving !== undefined) {
    const reason = `${leaving.nodeName} takes no shares any more: ${cordoned.get(leaving.nodeId)}`;
    return { decision: 'move', reason, costSeconds };
  }
  if (isSamePlan(current.plan, candidate)) return stay('the plan is still the best');
  const times = timesOf(current, candidate, settings);
  if (times === undefined) return stay('there is no prediction to compare');
  const [now, then] = times;
  const gain = 1 - then / now;
  const numbers = `${formatMilliseconds(then)} a token instead of ${formatMilliseconds(now)}`;
  const because = (reason: string): Reconsideration => ({ decision: 'stay', reason, gain, costSeconds });
  if (gain < settings.minimumGain) {
    return because(`${numbers} is not ${Math.round(settings.minimumGain * 100)} % less`);
  }
  if (candidate.predicted?.source === 'table' && !settings.trustAssumedFigures) {
    return because(`${numbers}, but figures behind that were not measured`);
  }
  if (current.ageSeconds < settings.coolDownSeconds) {
    return because(`${numbers}, but it was loaded only ${Math.round(current.ageSeconds)} s ago`);
  }
  if (settings.horizonSeconds * gain < costSeconds) {
    return because(`${numbers}, but loading takes ${Math.round(costSeconds)} s, more than is saved within reach`);
  }
  return { decision: 'move', reason: numbers, gain, costSeconds };
}

/** Whether what was measured says that the prediction does not hold any more. */
export function hasDrifted(
  predicted: number | undefined,
  measured: number | undefined,
  { driftFactor }: Pick<ReconsiderSettings, 'driftFactor'> = reconsiderDefaults,
): boolean {
  return predicted !== undefined && measured !== undefined && measured > predicted * driftFactor;
}

/**
 * Milliseconds of a token now and then. Where the loaded plan is slower than even the facts of now say, something is wrong
 * that they do not show; it stays wrong for the part of the new plan that is on the same devices.
 */
function timesOf(
  { plan, millisecondsPerToken, measuredMillisecondsPerToken: measured }: LoadedPlan,
  candidate: Plan,
  settings: ReconsiderSettings,
): readonly [now: number, then: number] | undefined {
  const then = candidate.predicted?.millisecondsPerToken;
  const predicted = millisecondsPerToken ?? plan.predicted?.millisecondsPerToken;
  if (then === undefined || predicted === undefined) return undefined;
  if (measured === undefined || !hasDrifted(predicted, measured, settings)) return [predicted, then];
  const drift = measured / predicted;
  return [measured, then * (1 + (drift - 1) * sharedPart(plan, candidate))];
}

function stay(reason: string): Reconsideration {
  return { decision: 'stay', reason };
}

const membersOf = ({ stages }: Plan) => stages.flatMap(({ members }) => members);

/** Of the candidate's weights, what lies on devices of the loaded plan. */
function sharedPart(plan: Plan, candidate: Plan): number {
  const devices = new Set(membersOf(plan).map(deviceOf));
  const members = membersOf(candidate);
  const bytes = (some: typeof members): number => some.reduce((sum, { weightBytes }) => sum + weightBytes, 0);
  return bytes(members.filter((member) => devices.has(deviceOf(member)))) / Math.max(1, bytes(members));
}

function deviceOf({ nodeId, backend, deviceId }: Plan['stages'][number]['members'][number]): string {
  return `${nodeId}/${backend}/${deviceId}`;
}

/** Equal where the same devices hold the same layers and cuts, in the same order. */
export function isSamePlan(left: Plan, right: Plan): boolean {
  const shape = ({ stages }: Plan): string =>
    JSON.stringify(stages.map(({ layers, cuts, members }) => [layers, cuts, members.map(deviceOf)]));
  return shape(left) === shape(right);
}

/** Members load at the same time. */
function loadSeconds(candidate: Plan, { loadBytesPerSecond }: ReconsiderSettings): number {
  return Math.max(...membersOf(candidate).map(({ weightBytes }) => weightBytes)) / loadBytesPerSecond;
}
