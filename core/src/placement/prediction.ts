/** What a plan, whoever made it, is expected to do. */
import type { Plan, PlanPrediction } from '../spec/plan.js';
import type { Candidate } from './candidates.js';
import type { CostModel, StageMember, Workload } from './cost-model.js';
import type { Path } from './paths.js';

/** A hop between two stages, or back to the head. */
export interface PredictedHop {
  readonly from: Candidate;
  readonly to: Candidate;
  readonly path: Path;
  readonly seconds: number;
}

export interface PredictedStage {
  readonly members: readonly StageMember[];
  /** Of one token. */
  readonly seconds: number;
}

export interface PlanTimes {
  readonly stages: readonly PredictedStage[];
  readonly hops: readonly PredictedHop[];
  /** Drawing the token, and handing it on. */
  readonly sampling: number;
  readonly seconds: number;
}

/** The prediction, or undefined where a member's device is not among the candidates. */
export function predictPlan(
  plan: Plan,
  model: CostModel,
  candidates: readonly Candidate[],
): PlanPrediction | undefined {
  const token = planTimes(plan, model, candidates, 'token');
  const batch = planTimes(plan, model, candidates, 'batch');
  const prompt = planTimes(plan, model, candidates, 'prompt');
  if (!token || !batch || !prompt) return undefined;
  const { promptTokens, slotCount, contextLength } = model.figures;
  const full = model.at(contextLength);
  const [lastToken, longest] = [
    planTimes(plan, full, candidates, 'token'),
    planTimes(plan, full, candidates, 'prompt'),
  ];
  return {
    millisecondsPerToken: rounded(token.seconds * 1000),
    tokensPerSecond: rounded(slotCount / batch.seconds),
    prefillTokensPerSecond: rounded(promptTokens / prompt.seconds),
    timeToFirstTokenMilliseconds: rounded(prompt.seconds * 1000),
    promptTokens,
    ...(lastToken === undefined || longest === undefined
      ? {}
      : {
          fullContext: {
            positions: contextLength,
            millisecondsPerToken: rounded(lastToken.seconds * 1000),
            timeToFirstTokenMilliseconds: rounded(longest.seconds * 1000),
          },
        }),
    source: model.source(token.stages.map(({ members }) => members)),
  };
}

/** Of a token that sees so many positions: on the line through the two lengths that were predicted. */
export function millisecondsPerTokenAt(
  { millisecondsPerToken, promptTokens, fullContext }: PlanPrediction,
  positions: number,
): number {
  if (fullContext === undefined || fullContext.positions <= promptTokens) return millisecondsPerToken;
  const added = Math.max(0, fullContext.millisecondsPerToken - millisecondsPerToken);
  // Below nothing the line means nothing.
  const least = millisecondsPerToken / 2;
  const part = (positions - promptTokens) / (fullContext.positions - promptTokens);
  return Math.max(least, millisecondsPerToken + added * part);
}

/** Four digits: more would only be noise in plans. */
function rounded(value: number): number {
  return Number(value.toPrecision(4));
}

export function planTimes(
  plan: Plan,
  model: CostModel,
  candidates: readonly Candidate[],
  workload: Workload,
): PlanTimes | undefined {
  const stages = plan.stages.map((stage) => {
    const fractions = model.figures.fractions(stage.cuts, stage.members.length);
    return stage.members.flatMap((member, index): StageMember[] => {
      const candidate = candidates.find(
        ({ node, device }) =>
          node.nodeId === member.nodeId &&
          device.backend === member.backend &&
          device.properties.id === member.deviceId,
      );
      const fraction = fractions[index];
      return candidate && fraction ? [{ candidate, ...fraction }] : [];
    });
  });
  const [first, last] = [stages[0], stages.at(-1)];
  if (!first || !last || stages.some((members, index) => members.length < (plan.stages[index]?.members.length ?? 1))) {
    return undefined;
  }
  const costs = stages.map((members) => model.stage(members, workload));
  const sampling = model.sampling(workload) + (costs[0]?.telling ?? 0);
  const predicted = costs.map(({ step, layers, head }, index): PredictedStage => {
    const [from, to] = plan.stages[index]?.layers ?? [0, 0];
    const own = layers.slice(from, to).reduce((sum, one) => sum + one, 0);
    return {
      members: stages[index] as StageMember[],
      seconds: step + own + (index === stages.length - 1 ? head : 0),
    };
  });
  const hops = stages.slice(1).map((to, index) => hopOf(model, stages[index] as StageMember[], to, workload));
  if (last[0] && first[0] && last[0].candidate !== first[0].candidate) {
    hops.push({
      from: last[0].candidate,
      to: first[0].candidate,
      path: model.path(last[0].candidate, first[0].candidate),
      seconds: model.way(last, first),
    });
  }
  const sum = (parts: readonly { readonly seconds: number }[]): number =>
    parts.reduce((total, { seconds }) => total + seconds, 0);
  return { stages: predicted, hops, sampling, seconds: sum(predicted) + sum(hops) + sampling };
}

function hopOf(
  model: CostModel,
  from: readonly StageMember[],
  to: readonly StageMember[],
  workload: Workload,
): PredictedHop {
  const [sender, receiver] = [(from[0] as StageMember).candidate, (to[0] as StageMember).candidate];
  return { from: sender, to: receiver, path: model.path(sender, receiver), seconds: model.hop(from, to, workload) };
}
