/** Screen 7: who computes what and why, and whether it came as predicted. */
import { combine, type Figure } from '../state/figure.js';
import type { ExplanationQuestion } from '../state/plan-state.js';
import type { DashboardState } from '../state/state.js';
import type { Cell, Fact, Tone, ViewContext } from './blocks.js';
import { isModel } from './models-figures.js';
import { type ComparisonFigures, type PlanFigures, plansFigures, type StageFigures } from './plan-figures.js';
import { selectedId, table } from './tables.js';
import type { PlanView } from './view-models.js';
import { bytes, cell, digits, fact, figureCell, layers, milliseconds, percent, tokenRate } from './words.js';

export function planView(state: DashboardState, context: ViewContext): PlanView {
  const { plans } = plansFigures(state);
  const choices = table({
    title: 'Plans',
    columns: [
      { key: 'model', title: 'model', isWide: true },
      { key: 'what', title: 'what' },
      { key: 'state', title: 'state' },
      { key: 'token', title: 'a token', align: 'right', from: 'medium' },
    ],
    rows: plans.map((plan) => ({
      id: plan.id,
      cells: [
        cell(plan.modelName),
        cell(plan.question === undefined ? 'loaded' : pretence(plan.question) || 'as it is'),
        cell(plan.outcome, outcomeTones[plan.outcome]),
        figureCell(predictedToken(plan), milliseconds),
      ],
    })),
    empty: 'nothing is loaded: ask with :plan NAME',
    context,
    isMain: true,
  });
  const plan = plans.find(({ id }) => id === selectedId(choices));
  return {
    plans: choices,
    title: plan === undefined ? cell('no plan', 'dim') : cell(titleOf(plan), 'accent'),
    facts: plan === undefined ? [] : facts(plan),
    comparison: comparisonTable(plan?.comparison ?? [], context),
    stages: stageTable(plan, context),
    why: plan === undefined ? [] : why(plan),
    leftOut: table({
      title: 'Not used',
      wraps: true,
      columns: [
        { key: 'node', title: 'node' },
        { key: 'device', title: 'device', from: 'medium' },
        { key: 'reason', title: 'why', isWide: true },
      ],
      rows: (plan?.leftOut ?? []).map(({ nodeName, deviceId, reason }) => ({
        id: `${nodeName} ${deviceId}`,
        cells: [cell(nodeName), cell(deviceId || 'all'), cell(reason, 'warning')],
      })),
      empty: 'every device has a part',
      context,
    }),
    considered: table({
      title: 'Considered, too',
      columns: [
        { key: 'plan', title: 'plan', isWide: true },
        { key: 'token', title: 'a token', align: 'right' },
      ],
      rows: (plan?.considered ?? []).map(({ description, millisecondsPerToken }, index) => ({
        id: String(index),
        cells: [cell(description), figureCell(millisecondsPerToken, milliseconds)],
      })),
      empty: 'no explanation was asked for',
      context,
    }),
    whatIf: whatIfTable(plans, plan, context),
  };
}

const outcomeTones: Readonly<Record<PlanFigures['outcome'], Tone>> = {
  ready: 'good',
  loading: 'accent',
  failed: 'bad',
  unloaded: 'dim',
  planning: 'accent',
  planned: 'plain',
  refused: 'bad',
};

/** `without anna, with one more ben`; '' for nothing pretended. */
function pretence({ without, added }: ExplanationQuestion): string {
  const parts = [
    without.length === 0 ? '' : `without ${without.join(', ')}`,
    added.length === 0 ? '' : `with one more ${added.join(', ')}`,
  ];
  return parts.filter((part) => part !== '').join(', ');
}

function titleOf({ modelName, question, kind, id }: PlanFigures): string {
  if (kind === 'instance') return `${modelName} (${id})`;
  const pretended = question === undefined ? '' : pretence(question);
  return pretended === '' ? modelName : `${modelName}, ${pretended}`;
}

function predictedToken({ comparison }: PlanFigures): Figure {
  return (
    comparison.find(({ figure }) => figure === 'millisecondsPerToken')?.predicted ?? { unknown: 'there is no plan' }
  );
}

function facts(plan: PlanFigures): readonly Fact[] {
  const { refusal, outcome, strategy, storage, contextLength, slotCount, stages } = plan;
  const members = stages.reduce((sum, stage) => sum + stage.members.length, 0);
  return [
    fact('state', outcome, outcomeTones[outcome]),
    ...(refusal === undefined ? [] : [fact(refusal.code, refusal.message, 'bad')]),
    ...(stages.length === 0
      ? []
      : [
          fact(
            'shape',
            `${stages.length} × ${members / stages.length === Math.round(members / stages.length) ? members / stages.length : 'uneven'} (stages × members)`,
          ),
          fact('strategy', strategy),
          fact('weights', storage),
          fact('context', `${contextLength} × ${slotCount}`),
        ]),
  ];
}

const comparisonNames: Readonly<Record<ComparisonFigures['figure'], string>> = {
  millisecondsPerToken: 'a token of one answer',
  timeToFirstTokenMilliseconds: 'first token',
  tokensPerSecond: 'all answers together',
};

function comparisonTable(comparison: readonly ComparisonFigures[], context: ViewContext) {
  return table({
    title: 'Predicted and measured',
    columns: [
      { key: 'figure', title: 'figure', isWide: true },
      { key: 'predicted', title: 'predicted', align: 'right' },
      { key: 'measured', title: 'measured', align: 'right' },
      { key: 'ratio', title: 'ratio', align: 'right' },
    ],
    rows: comparison.map(({ figure, predicted, measured, ratio }) => {
      const write = figure === 'tokensPerSecond' ? tokenRate : milliseconds;
      return {
        id: figure,
        cells: [
          cell(comparisonNames[figure]),
          figureCell(predicted, write),
          figureCell(measured, write),
          ratioCell(figure, ratio),
        ],
      };
    }),
    empty: 'there is no plan to compare with',
    context,
  });
}

/** More than three tenths worse than predicted stands out: so much makes the cluster think of another plan. */
function ratioCell(figure: ComparisonFigures['figure'], ratio: Figure): Cell {
  if ('unknown' in ratio) return figureCell(ratio, () => '');
  const isWorse = figure === 'tokensPerSecond' ? ratio.value < 1 / 1.3 : ratio.value > 1.3;
  return cell(`${digits(ratio.value)}×`, isWorse ? 'warning' : 'plain');
}

function stageTable(plan: PlanFigures | undefined, context: ViewContext) {
  return table({
    title: 'Stages',
    columns: [
      { key: 'stage', title: 'stage' },
      { key: 'layers', title: 'layers', align: 'right' },
      { key: 'node', title: 'node', isWide: true },
      { key: 'device', title: 'device', from: 'medium' },
      { key: 'share', title: 'share', align: 'right', from: 'medium' },
      { key: 'needs', title: 'needs', align: 'right', from: 'medium' },
      { key: 'has', title: 'has', align: 'right', from: 'wide' },
      { key: 'predicted', title: 'predicted', align: 'right' },
      { key: 'compute', title: 'compute', align: 'right' },
      { key: 'wire', title: 'wire', align: 'right', from: 'medium' },
      { key: 'wait', title: 'wait', align: 'right', from: 'medium' },
    ],
    rows: (plan?.stages ?? []).flatMap((stage) => stageRows(stage)),
    empty: 'there is no plan',
    context,
  });
}

function stageRows({ stage, layers: range, predictedMilliseconds, members }: StageFigures) {
  return members.map((member, index) => {
    const isTight = combine(member.needBytes, member.availableBytes, (need, has) => (has > 0 ? need / has : 2));
    const tone: Tone = 'value' in isTight && isTight.value > 1 ? 'bad' : 'plain';
    return {
      id: `${stage}.${member.member}`,
      cells: [
        cell(`${stage}.${member.member}`),
        // Layers and the prediction are the stage's: they are told once.
        cell(index === 0 ? layers(range) : ''),
        cell(member.nodeName),
        cell(member.device),
        cell(percent({ value: member.share, source: 'measured' })),
        figureCell(member.needBytes, bytes, tone),
        figureCell(member.availableBytes, bytes),
        index === 0 ? figureCell(predictedMilliseconds, milliseconds) : cell(''),
        figureCell(member.computeMilliseconds, milliseconds),
        figureCell(member.wireMilliseconds, milliseconds),
        figureCell(member.waitMilliseconds, milliseconds),
      ],
    };
  });
}

function why({ reasons, refusal, hops, samplingMilliseconds }: PlanFigures): readonly Cell[] {
  return [
    ...(refusal?.reasons ?? []).map((reason) => cell(reason, 'warning')),
    ...reasons.map((reason) => cell(reason)),
    ...hops.map(({ from, to, kind, milliseconds: time }) =>
      cell(`hop ${from} → ${to}: ${kind}, ${milliseconds(time)}`, 'dim'),
    ),
    ...('unknown' in samplingMilliseconds
      ? []
      : [cell(`sampling and telling: ${milliseconds(samplingMilliseconds)}`, 'dim')]),
  ];
}

/** What was asked of the same model with something pretended, beside what is. */
function whatIfTable(plans: readonly PlanFigures[], plan: PlanFigures | undefined, context: ViewContext) {
  const model = plan === undefined ? undefined : (plan.question?.model ?? plan.modelName);
  const isOf = ({ question }: PlanFigures) =>
    question !== undefined && model !== undefined && (isModel(question.model, model) || isModel(model, question.model));
  const asked = plans.filter((one) => isOf(one) && one.question !== undefined && pretence(one.question) !== '');
  const base = plan === undefined || (plan.question !== undefined && pretence(plan.question) !== '') ? undefined : plan;
  return table({
    title: 'What if',
    columns: [
      { key: 'what', title: 'what if', isWide: true },
      { key: 'outcome', title: 'then' },
      { key: 'token', title: 'a token', align: 'right' },
      { key: 'ratio', title: 'of now', align: 'right' },
    ],
    rows: asked.map((one) => {
      const ratio =
        base === undefined ? undefined : combine(predictedToken(one), predictedToken(base), (then, now) => then / now);
      return {
        id: one.id,
        cells: [
          cell(one.question === undefined ? '' : pretence(one.question)),
          cell(one.outcome === 'refused' ? (one.refusal?.code ?? 'refused') : one.outcome, outcomeTones[one.outcome]),
          figureCell(predictedToken(one), milliseconds),
          ratio === undefined || 'unknown' in ratio
            ? cell('')
            : cell(`${digits(ratio.value)}×`, ratio.value > 1 ? 'warning' : 'good'),
        ],
      };
    }),
    empty: 'ask with :plan NAME without NODE, or with NODE',
    context,
  });
}
