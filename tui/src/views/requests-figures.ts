/** The figures of the screen Requests. */
import { type Figure, measured, unknown, valueIn } from '../state/figure.js';
import type { DashboardState, HopState, InstanceState, RequestState, StepTimes } from '../state/state.js';

export interface RequestsFigures {
  readonly totals: {
    readonly running: number;
    readonly queued: number;
    /** Of all instances together. */
    readonly tokensPerSecond: Figure;
    /** The middle one of those that ended lately. */
    readonly medianTimeToFirstTokenMilliseconds: Figure;
    readonly medianTokensPerSecond: Figure;
    readonly failed: number;
  };
  readonly instances: readonly InstanceRequestsFigures[];
  readonly requests: readonly RequestFigures[];
}

export interface InstanceRequestsFigures {
  readonly instance: string;
  readonly modelName: string;
  readonly state: InstanceState['state'];
  readonly paused?: string;
  readonly waitingRequests: Figure;
  readonly residentSlots: Figure;
  readonly slotCount: number;
  readonly tokensPerSecond: Figure;
  /** Where a step's time goes, member by member. */
  readonly hops: readonly HopFigures[];
}

export interface HopFigures extends StepTimes {
  readonly stage: number;
  readonly member: number;
  readonly nodeName: string;
}

export interface RequestFigures extends Omit<RequestState, 'hops'> {
  /** Where a token's time went, member by member. */
  readonly hops: readonly HopFigures[];
}

export function requestsFigures(state: DashboardState): RequestsFigures {
  return {
    totals: requestTotals(state),
    instances: instancesFigures(state),
    requests: state.requests.map(requestFigures),
  };
}

export function requestTotals({ instances, requests }: DashboardState): RequestsFigures['totals'] {
  const rates = instances.filter(isShown).flatMap(({ tokensPerSecond }) => valueIn(tokensPerSecond) ?? []);
  const finished = requests.filter(({ phase }) => phase === 'finished');
  return {
    running: requests.filter(({ phase }) => phase === 'reading' || phase === 'answering').length,
    queued: requests.filter(({ phase }) => phase === 'queued').length,
    tokensPerSecond:
      rates.length === 0 ? unknown('nothing has been counted yet') : measured(rates.reduce((sum, one) => sum + one, 0)),
    medianTimeToFirstTokenMilliseconds: median(finished.map((one) => one.timeToFirstTokenMilliseconds)),
    medianTokensPerSecond: median(finished.map(({ tokensPerSecond }) => tokensPerSecond)),
    failed: requests.filter(({ phase }) => phase === 'failed').length,
  };
}

export function instancesFigures({ instances }: DashboardState): readonly InstanceRequestsFigures[] {
  return instances.filter(isShown).map(instanceFigures);
}

export function requestFigures(request: RequestState): RequestFigures {
  return { ...request, hops: request.hops.map(hopFigures) };
}

const isShown = ({ state }: InstanceState): boolean => state === 'ready' || state === 'loading';

function instanceFigures(one: InstanceState): InstanceRequestsFigures {
  const { instance, modelName, state, paused, waitingRequests, residentSlots, tokensPerSecond, plan, members } = one;
  return {
    instance,
    modelName,
    state,
    ...(paused === undefined ? {} : { paused }),
    waitingRequests,
    residentSlots,
    slotCount: plan.slotCount,
    tokensPerSecond,
    hops: members.map(({ stage, member, nodeName, perStep }) => ({ stage, member, nodeName, ...perStep })),
  };
}

function hopFigures({ stage, member, nodeName, steps, ...sums }: HopState): HopFigures {
  const mean = (sum: number): Figure => (steps > 0 ? measured(sum / steps) : unknown('no step was counted'));
  return {
    stage,
    member,
    nodeName,
    computeMilliseconds: mean(sums.computeMilliseconds),
    wireMilliseconds: mean(sums.wireMilliseconds),
    waitMilliseconds: mean(sums.waitMilliseconds),
  };
}

/** Of the known ones, the lower of two in the middle. */
export function median(figures: readonly Figure[]): Figure {
  const values = figures
    .flatMap((figure) => ('unknown' in figure ? [] : figure.value))
    .sort((left, right) => left - right);
  const middle = values[Math.floor((values.length - 1) / 2)];
  return middle === undefined ? unknown('no request has ended yet') : measured(middle);
}
