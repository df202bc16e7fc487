/** Plans and explanations as they come from the cluster, made harmless. */
import { unknown } from './figure.js';
import type {
  ExplanationState,
  LeftOutState,
  PlanMemberState,
  PlanStageState,
  PlanState,
  PlanTimesState,
  PredictionState,
} from './plan-state.js';
import { count, figure, list, number, plainFigure, record, records, text } from './sanitize.js';
import type { Failure } from './update.js';

const mostStages = 4096;
const mostMembers = 4096;
const mostReasons = 200;
const mostLeftOut = 2000;
const longestReason = 600;

export function cleanPlan(value: unknown): PlanState {
  const plan = record(value) ?? {};
  return {
    modelName: text(plan.modelName) || 'unnamed',
    strategy: text(plan.strategy),
    storage: text(record(plan.storage)?.matrix),
    stateStorage: text(plan.stateStorage),
    contextLength: count(plan.contextLength) ?? 0,
    slotCount: count(plan.slotCount) ?? 0,
    stages: records(plan.stages, mostStages).map(cleanStage),
    predicted: cleanPrediction(plan.predicted),
    reasons: cleanReasons(plan.reasons),
    leftOut: records(plan.leftOut, mostLeftOut).map(cleanLeftOut),
  };
}

function cleanStage(stage: Readonly<Record<string, unknown>>): PlanStageState {
  const [from, to] = list(stage.layers, 2).map((layer) => count(layer) ?? 0);
  return {
    layers: [from ?? 0, Math.max(from ?? 0, to ?? 0)],
    members: records(stage.members, mostMembers).map(cleanMember),
  };
}

function cleanMember(member: Readonly<Record<string, unknown>>): PlanMemberState {
  const reason = 'the plan does not tell';
  return {
    nodeId: text(member.nodeId),
    nodeName: text(member.nodeName) || 'unnamed',
    backend: text(member.backend),
    deviceId: text(member.deviceId),
    share: number(member.share, { minimum: 0, maximum: 1 }) ?? 0,
    weightBytes: plainFigure(member.weightBytes, 'table', reason),
    stateBytes: plainFigure(member.stateBytes, 'table', reason),
  };
}

function cleanPrediction(value: unknown): PredictionState {
  const predicted = record(value) ?? {};
  const of = (field: unknown) =>
    field === undefined
      ? unknown('the plan has no prediction')
      : figure({ value: field, source: predicted.source }, { minimum: 0 });
  return {
    millisecondsPerToken: of(predicted.millisecondsPerToken),
    tokensPerSecond: of(predicted.tokensPerSecond),
    timeToFirstTokenMilliseconds: of(predicted.timeToFirstTokenMilliseconds),
  };
}

function cleanReasons(value: unknown): readonly string[] {
  return list(value, mostReasons).flatMap((reason) => text(reason, longestReason) || []);
}

function cleanLeftOut(one: Readonly<Record<string, unknown>>): LeftOutState {
  return {
    nodeName: text(one.nodeName) || 'unnamed',
    deviceId: text(one.deviceId),
    reason: text(one.reason, longestReason) || 'no reason is given',
  };
}

type Answer = Pick<ExplanationState, 'outcome' | 'considered' | 'needs'>;

/** What `explain` answered, or why it did not. */
export function cleanExplanation(value: unknown): Answer {
  const explanation = record(value) ?? {};
  const failure = record(explanation.failure);
  if (failure !== undefined) return { outcome: refused(failure), considered: [], needs: [] };
  const outcome = record(explanation.outcome) ?? {};
  const numbers = record(explanation.numbers);
  const needs = records(numbers?.members, mostMembers).map((member) => ({
    stage: count(member.stage) ?? 0,
    member: count(member.member) ?? 0,
    needBytes: plainFigure(sum(member.weightBytes, member.stateBytes, member.workingBytes), 'table', 'it is not told'),
    availableBytes: plainFigure(member.availableBytes, 'operating-system', 'the device does not tell'),
  }));
  const considered = records(numbers?.considered, mostReasons).map((one) => ({
    description: text(one.description, longestReason),
    millisecondsPerToken: plainFigure(one.millisecondsPerToken, 'table', 'it is not told'),
  }));
  const plan = record(outcome.plan);
  if (plan === undefined) return { outcome: refused(record(outcome.refusal) ?? {}), considered, needs };
  const times = cleanTimes(numbers?.times);
  return {
    outcome: { phase: 'planned', plan: cleanPlan(plan), ...(times === undefined ? {} : { times }) },
    considered,
    needs,
  };
}

function refused(refusal: Readonly<Record<string, unknown>>): ExplanationState['outcome'] {
  const { code, message } = cleanFailure(refusal);
  return { phase: 'refused', code, message, reasons: cleanReasons(refusal.reasons) };
}

export function cleanFailure(value: unknown): Failure {
  const failure = record(value) ?? {};
  return {
    code: text(failure.code, 80) || 'INTERNAL',
    message: text(failure.message, longestReason) || 'no reason is given',
  };
}

function cleanTimes(value: unknown): PlanTimesState | undefined {
  const times = record(value);
  if (times === undefined) return undefined;
  const milliseconds = (field: unknown) => plainFigure(field, 'table', 'it is not told');
  return {
    stages: records(times.stages, mostStages).map((stage, index) => ({
      stage: count(stage.stage) ?? index,
      milliseconds: milliseconds(stage.milliseconds),
    })),
    hops: records(times.hops, mostStages).map((hop) => ({
      from: text(hop.from),
      to: text(hop.to),
      kind: text(hop.kind),
      milliseconds: figure({ value: hop.milliseconds, source: hop.source }),
    })),
    samplingMilliseconds: milliseconds(times.samplingMilliseconds),
  };
}

function sum(...values: readonly unknown[]): number | undefined {
  const numbers = values.map((value) => number(value, { minimum: 0 }));
  return numbers.some((value) => value === undefined)
    ? undefined
    : numbers.reduce<number>((total, value) => total + (value ?? 0), 0);
}
