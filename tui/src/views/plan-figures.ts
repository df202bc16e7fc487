/** The figures of the screen Plan. */
import { questionKey } from '../state/apply.js';
import { combine, type Figure, measured, unknown } from '../state/figure.js';
import type {
  ExplanationQuestion,
  ExplanationState,
  LeftOutState,
  PlanState,
  PlanTimesState,
  PredictionState,
} from '../state/plan-state.js';
import type { DashboardState, InstanceState, StepTimes } from '../state/state.js';
import { isModel } from './models-figures.js';
import { median } from './requests-figures.js';

export interface PlansFigures {
  readonly plans: readonly PlanFigures[];
}

export interface PlanFigures {
  /** The instance, or the question that was asked. */
  readonly id: string;
  readonly kind: 'instance' | 'question';
  readonly modelName: string;
  readonly question?: ExplanationQuestion;
  readonly outcome: 'ready' | 'loading' | 'failed' | 'unloaded' | 'planning' | 'planned' | 'refused';
  readonly refusal?: { readonly code: string; readonly message: string; readonly reasons: readonly string[] };
  readonly strategy: string;
  readonly storage: string;
  readonly contextLength: number;
  readonly slotCount: number;
  readonly comparison: readonly ComparisonFigures[];
  readonly stages: readonly StageFigures[];
  readonly hops: PlanTimesState['hops'];
  readonly samplingMilliseconds: Figure;
  readonly reasons: readonly string[];
  readonly leftOut: readonly LeftOutState[];
  readonly considered: ExplanationState['considered'];
}

export interface ComparisonFigures {
  readonly figure: 'millisecondsPerToken' | 'tokensPerSecond' | 'timeToFirstTokenMilliseconds';
  readonly predicted: Figure;
  readonly measured: Figure;
  /** Measured over predicted. */
  readonly ratio: Figure;
}

export interface StageFigures {
  readonly stage: number;
  readonly layers: readonly [number, number];
  readonly predictedMilliseconds: Figure;
  readonly members: readonly MemberFigures[];
}

export interface MemberFigures extends StepTimes {
  readonly member: number;
  readonly nodeName: string;
  readonly device: string;
  readonly share: number;
  readonly needBytes: Figure;
  readonly availableBytes: Figure;
}

const instanceOrder = ['ready', 'loading', 'failed', 'unloaded'] as const satisfies readonly InstanceState['state'][];

export function plansFigures(state: DashboardState): PlansFigures {
  return {
    plans: [
      // What serves comes first, what failed last.
      ...instanceOrder.flatMap((phase) =>
        state.instances.filter((one) => one.state === phase).map((instance) => instanceFigures(state, instance)),
      ),
      ...state.explanations.map(questionFigures),
    ],
  };
}

function instanceFigures(state: DashboardState, instance: InstanceState): PlanFigures {
  const { plan } = instance;
  const explanation = explanationOf(state, instance);
  const times = explanation?.outcome.phase === 'planned' ? explanation.outcome.times : undefined;
  return {
    id: instance.instance,
    kind: 'instance',
    modelName: instance.modelName,
    outcome: instance.state,
    ...(instance.failure === undefined ? {} : { refusal: { ...instance.failure, reasons: [] } }),
    ...planFigures(plan, times, explanation, instance),
    comparison: comparison(plan.predicted, measurements(state, instance)),
  };
}

function questionFigures(explanation: ExplanationState): PlanFigures {
  const { question, outcome } = explanation;
  const id = questionKey(question);
  const common = { id, kind: 'question', question, outcome: outcome.phase } as const;
  if (outcome.phase === 'planned') {
    return {
      ...common,
      modelName: outcome.plan.modelName,
      ...planFigures(outcome.plan, outcome.times, explanation, undefined),
      comparison: comparison(outcome.plan.predicted, undefined),
    };
  }
  const refusal = outcome.phase === 'refused' ? { refusal: outcome } : {};
  const nothing = unknown(outcome.phase === 'refused' ? 'there is no plan' : 'it is being planned');
  return {
    ...common,
    ...('refusal' in refusal
      ? { refusal: { code: refusal.refusal.code, message: refusal.refusal.message, reasons: refusal.refusal.reasons } }
      : {}),
    modelName: question.model,
    strategy: '',
    storage: '',
    contextLength: 0,
    slotCount: 0,
    comparison: [],
    stages: [],
    hops: [],
    samplingMilliseconds: nothing,
    reasons: [],
    leftOut: [],
    considered: explanation.considered,
  };
}

function planFigures(
  plan: PlanState,
  times: PlanTimesState | undefined,
  explanation: ExplanationState | undefined,
  instance: InstanceState | undefined,
) {
  const notExplained = unknown('no explanation was asked for, or its plan is another');
  const notRun = unknown(instance === undefined ? 'it is a plan only' : 'no step has been counted yet');
  const stages = plan.stages.map(
    ({ layers, members }, stage): StageFigures => ({
      stage,
      layers,
      predictedMilliseconds: times?.stages.find((one) => one.stage === stage)?.milliseconds ?? notExplained,
      members: members.map((one, member): MemberFigures => {
        const need = explanation?.needs.find((needed) => needed.stage === stage && needed.member === member);
        const ran = instance?.members.find((running) => running.stage === stage && running.member === member);
        return {
          member,
          nodeName: one.nodeName,
          device: `${one.backend}/${one.deviceId}`,
          share: one.share,
          needBytes: need?.needBytes ?? combine(one.weightBytes, one.stateBytes, (weights, states) => weights + states),
          availableBytes: need?.availableBytes ?? notExplained,
          ...(ran?.perStep ?? { computeMilliseconds: notRun, wireMilliseconds: notRun, waitMilliseconds: notRun }),
        };
      }),
    }),
  );
  const { strategy, storage, contextLength, slotCount, reasons, leftOut } = plan;
  return {
    strategy,
    storage,
    contextLength,
    slotCount,
    stages,
    hops: times?.hops ?? [],
    samplingMilliseconds: times?.samplingMilliseconds ?? notExplained,
    reasons,
    leftOut,
    considered: explanation?.considered ?? [],
  };
}

/** The newest explanation whose plan is the one that is loaded. */
function explanationOf(
  { explanations }: DashboardState,
  { plan, modelName }: InstanceState,
): ExplanationState | undefined {
  const shape = shapeOf(plan);
  return explanations.find(
    ({ question, outcome }) =>
      isModel(question.model, modelName) && outcome.phase === 'planned' && shapeOf(outcome.plan) === shape,
  );
}

function shapeOf({ stages }: PlanState): string {
  const parts = stages.map(({ layers, members }) => [
    layers,
    members.map(({ nodeId, backend, deviceId }) => [nodeId, backend, deviceId]),
  ]);
  return JSON.stringify(parts);
}

interface Measurements {
  readonly millisecondsPerToken: Figure;
  readonly tokensPerSecond: Figure;
  readonly timeToFirstTokenMilliseconds: Figure;
}

/** Of answers that ended lately; and of all answers together, while every slot had one, as the prediction has it. */
function measurements({ requests }: DashboardState, { instance, history, plan }: InstanceState): Measurements {
  const finished = requests.filter((request) => request.instance === instance && request.phase === 'finished');
  const rates = median(finished.map(({ tokensPerSecond }) => tokensPerSecond));
  return {
    millisecondsPerToken: 'unknown' in rates ? rates : measured(1000 / rates.value),
    tokensPerSecond: rateOfAll(history, plan.slotCount),
    timeToFirstTokenMilliseconds: median(finished.map((request) => request.timeToFirstTokenMilliseconds)),
  };
}

/** A point tells of the time since the one before it: every slot has to have been taken at both. */
function rateOfAll({ tokensPerSecond, residentSlots }: InstanceState['history'], slotCount: number): Figure {
  const isFull = (index: number) => (residentSlots[index] ?? 0) >= Math.max(1, slotCount);
  const rates = tokensPerSecond.flatMap((rate, index) =>
    rate !== null && isFull(index) && isFull(index - 1) ? [measured(rate)] : [],
  );
  return rates.length > 0 ? median(rates) : unknown(`its ${slotCount} slots have not been taken all at once yet`);
}

function comparison(predicted: PredictionState, found: Measurements | undefined): readonly ComparisonFigures[] {
  const notRun = unknown('it is a plan only');
  const names = ['millisecondsPerToken', 'timeToFirstTokenMilliseconds', 'tokensPerSecond'] as const;
  return names.map((figure): ComparisonFigures => {
    const [expected, came] = [predicted[figure], found?.[figure] ?? notRun];
    return {
      figure,
      predicted: expected,
      measured: came,
      ratio: combine(came, expected, (one, other) => (other > 0 ? one / other : Number.NaN)),
    };
  });
}
