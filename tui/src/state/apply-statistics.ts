/** Counters of members: what they grew by since the last look, and the requests that grew them. */
import { type Figure, known, measured, unknown, valueIn } from './figure.js';
import { historyLength, withPoint } from './history.js';
import { first, limits } from './limits.js';
import { count, number, record, records, text } from './sanitize.js';
import type {
  DashboardState,
  HopState,
  InstanceState,
  MemberCounters,
  MemberState,
  RequestPhase,
  RequestState,
} from './state.js';
import type { Update } from './update.js';

type Fields = Readonly<Record<string, unknown>>;

/** What a member did between two looks. */
interface Growth {
  readonly stage: number;
  readonly member: number;
  readonly nodeName: string;
  readonly seconds: number;
  readonly steps: number;
  readonly computeMilliseconds: number;
  readonly wireMilliseconds: number;
  readonly waitMilliseconds: number;
}

export function applyStatistics(
  state: DashboardState,
  { at, instance: wanted, members }: Extract<Update, { kind: 'statistics' }>,
): DashboardState {
  const before = state.instances.find(({ instance }) => instance === wanted);
  // Whoever is asked about an instance that has just gone may still answer.
  if (before === undefined) return state;
  const reports = records(members, limits.members);
  const growths: Growth[] = [];
  const after = reports.map((report) => {
    const place = { stage: count(report.stage) ?? 0, member: count(report.member) ?? 0 };
    const known = before.members.find(({ stage, member }) => stage === place.stage && member === place.member);
    const { state: next, growth } = memberAfter(known, place, report, at);
    if (growth !== undefined) growths.push(growth);
    return next;
  });
  after.sort((left, right) => left.stage - right.stage || left.member - right.member);
  const head = reports.find(({ stage, member }) => stage === 0 && member === 0);
  const instance = instanceAfter(before, after, growths, record(head?.statistics), at, state.instances.length);
  const instances = state.instances.map((one) => (one === before ? instance : one));
  return { ...state, instances, requests: requestsAfter(state.requests, instance, head, growths, at) };
}

function memberAfter(
  before: MemberState | undefined,
  place: { readonly stage: number; readonly member: number },
  report: Fields,
  at: number,
): { readonly state: MemberState; readonly growth?: Growth } {
  const counters = cleanCounters(report.statistics);
  const nodeName = text(report.nodeName) || 'unnamed';
  const fresh = { ...place, nodeId: text(report.nodeId), nodeName, counters, readAt: at };
  const seconds = before === undefined ? 0 : (at - before.readAt) / 1000;
  // Counters that went back are those of another worker: there is nothing to compare with.
  if (before === undefined || seconds <= 0 || counters.steps < before.counters.steps) {
    const nothing = unknown('it takes two looks to tell');
    const perStep = before?.perStep ?? noStepTimes(nothing);
    const rates = { stepsPerSecond: nothing, sentBytesPerSecond: nothing, receivedBytesPerSecond: nothing };
    return { state: { ...fresh, perStep, ...rates } };
  }
  const grown = (name: Exclude<keyof MemberCounters, 'generatedTokens'>) =>
    Math.max(0, counters[name] - before.counters[name]);
  const steps = grown('steps');
  const growth = {
    ...place,
    nodeName,
    seconds,
    steps,
    computeMilliseconds: grown('computeMicroseconds') / 1000,
    wireMilliseconds: grown('wireMicroseconds') / 1000,
    waitMilliseconds: grown('waitMicroseconds') / 1000,
  };
  const perStep =
    steps === 0
      ? 'unknown' in before.perStep.computeMilliseconds
        ? noStepTimes(unknown('no step has run since the dashboard looks'))
        : before.perStep
      : {
          computeMilliseconds: measured(growth.computeMilliseconds / steps),
          wireMilliseconds: measured(growth.wireMilliseconds / steps),
          waitMilliseconds: measured(growth.waitMilliseconds / steps),
        };
  const state: MemberState = {
    ...fresh,
    perStep,
    stepsPerSecond: measured(steps / seconds),
    sentBytesPerSecond: measured(grown('wireBytesSent') / seconds),
    receivedBytesPerSecond: measured(grown('wireBytesReceived') / seconds),
  };
  return { state, growth };
}

function noStepTimes(nothing: Figure): MemberState['perStep'] {
  return { computeMilliseconds: nothing, wireMilliseconds: nothing, waitMilliseconds: nothing };
}

function cleanCounters(value: unknown): MemberCounters {
  const counters = record(value) ?? {};
  const of = (name: string) => number(counters[name], { minimum: 0, maximum: Number.MAX_SAFE_INTEGER }) ?? 0;
  const generatedTokens = count(counters.generatedTokens);
  return {
    steps: of('steps'),
    ...(generatedTokens === undefined ? {} : { generatedTokens }),
    computeMicroseconds: of('computeMicroseconds'),
    waitMicroseconds: of('waitMicroseconds'),
    wireMicroseconds: of('wireMicroseconds'),
    wireBytesSent: of('wireBytesSent'),
    wireBytesReceived: of('wireBytesReceived'),
  };
}

function instanceAfter(
  before: InstanceState,
  members: readonly MemberState[],
  growths: readonly Growth[],
  head: Fields | undefined,
  at: number,
  instanceCount: number,
): InstanceState {
  const ofHead = (name: string): Figure => {
    const found = count(head?.[name]);
    return found === undefined ? unknown('the head does not tell') : measured(found);
  };
  const waitingRequests = ofHead('waitingRequests');
  const residentSlots = ofHead('residentSlots');
  const tokensPerSecond = tokenRate(before.members[0], members[0]);
  const sum = (of: (growth: Growth) => number) => growths.reduce((total, growth) => total + of(growth), 0);
  const time = sum((one) => one.computeMilliseconds + one.wireMilliseconds + one.waitMilliseconds);
  const share = (milliseconds: number) => (time > 0 ? milliseconds / time : null);
  const point = {
    tokensPerSecond: valueIn(tokensPerSecond),
    waitingRequests: valueIn(waitingRequests),
    residentSlots: valueIn(residentSlots),
    computeShare: share(sum((one) => one.computeMilliseconds)),
    wireShare: share(sum((one) => one.wireMilliseconds)),
    waitShare: share(sum((one) => one.waitMilliseconds)),
  };
  return {
    ...before,
    members,
    waitingRequests,
    residentSlots,
    tokensPerSecond,
    history: withPoint(before.history, at, point, historyLength(instanceCount)),
  };
}

function tokenRate(before: MemberState | undefined, after: MemberState | undefined): Figure {
  const [earlier, later] = [before?.counters.generatedTokens, after?.counters.generatedTokens];
  if (after !== undefined && later === undefined) return unknown('its version does not count tokens');
  if (before === undefined || after === undefined || earlier === undefined || later === undefined) {
    return unknown('it takes two looks to tell');
  }
  const seconds = (after.readAt - before.readAt) / 1000;
  if (seconds <= 0 || later < earlier) return unknown('it takes two looks to tell');
  return measured((later - earlier) / seconds);
}

const phases: Readonly<Record<string, RequestPhase>> = {
  waiting: 'queued',
  reading: 'reading',
  answering: 'answering',
  stop: 'finished',
  length: 'finished',
  cancelled: 'cancelled',
  failed: 'failed',
};

function requestsAfter(
  requests: readonly RequestState[],
  instance: InstanceState,
  head: Fields | undefined,
  growths: readonly Growth[],
  at: number,
): readonly RequestState[] {
  const known = new Map(requests.map((one) => [one.request, one]));
  const told = records(record(head?.statistics)?.answers, limits.requests).map((answer) => {
    const id = `${instance.instance}/${count(answer.requestId) ?? 0}.${count(answer.choice) ?? 0}`;
    return requestAfter(known.get(id), id, instance, text(head?.nodeName), answer, growths, at);
  });
  for (const one of told) known.set(one.request, one);
  const isTold = new Set(told.map(({ request }) => request));
  // A request that the head has forgotten ended while nobody looked.
  const all = [...known.values()].map((one): RequestState => {
    if (one.instance !== instance.instance || isTold.has(one.request) || one.endedAt !== undefined) return one;
    return head === undefined ? one : { ...one, phase: 'finished', endedAt: at, outcome: 'unknown' };
  });
  all.sort((left, right) => right.startedAt - left.startedAt || (left.request < right.request ? -1 : 1));
  return first(all, limits.requests);
}

function requestAfter(
  before: RequestState | undefined,
  request: string,
  instance: InstanceState,
  headNodeName: string,
  answer: Fields,
  growths: readonly Growth[],
  at: number,
): RequestState {
  const reason = text(answer.state, 40);
  const phase = phases[reason] ?? 'failed';
  const milliseconds = (name: string) => {
    const found = number(answer[name], { minimum: 0 });
    return found === undefined ? undefined : found / 1000;
  };
  const startedAt = before?.startedAt ?? Math.max(0, Math.round(at - (milliseconds('submittedMicrosecondsAgo') ?? 0)));
  const endedAgo = milliseconds('endedMicrosecondsAgo');
  const hasEnded = phase === 'finished' || phase === 'cancelled' || phase === 'failed';
  const endedAt = before?.endedAt ?? (hasEnded ? Math.max(startedAt, Math.round(at - (endedAgo ?? 0))) : undefined);
  const [queue, prefill, decode] = [
    milliseconds('queueMicroseconds'),
    milliseconds('prefillMicroseconds'),
    milliseconds('decodeMicroseconds'),
  ];
  const generated = count(answer.generatedTokens);
  const figureOf = (value: number | undefined, otherwise: string): Figure =>
    value === undefined ? unknown(otherwise) : known(value, 'measured');
  const hasFirst = (generated ?? 0) > 0 && queue !== undefined && prefill !== undefined;
  const isPaced = generated !== undefined && generated > 1 && decode !== undefined && decode > 0;
  return {
    request,
    instance: instance.instance,
    modelName: instance.modelName,
    headNodeName,
    phase,
    startedAt,
    ...(endedAt === undefined ? {} : { endedAt }),
    ...(hasEnded ? { outcome: text(answer.code, 80) || reason || 'unknown' } : {}),
    promptTokens: figureOf(count(answer.promptTokens), 'the head does not tell'),
    generatedTokens: figureOf(generated, 'the head does not tell'),
    queueMilliseconds: figureOf(queue, 'the head does not tell'),
    timeToFirstTokenMilliseconds: hasFirst ? measured(queue + prefill) : unknown('there is no token yet'),
    // The first token is that of the prompt's last step.
    tokensPerSecond: isPaced ? measured(((generated - 1) * 1000) / decode) : unknown('there are no two tokens yet'),
    hops: hopsAfter(before?.hops ?? [], growths, startedAt + (queue ?? 0), endedAt ?? at, at),
  };
}

/** Adds the steps of the last look to those of the request, as far as it ran meanwhile. */
function hopsAfter(
  before: readonly HopState[],
  growths: readonly Growth[],
  from: number,
  to: number,
  at: number,
): readonly HopState[] {
  const additions = growths.flatMap((growth): HopState[] => {
    const since = at - growth.seconds * 1000;
    const overlap = Math.min(to, at) - Math.max(from, since);
    const part = Math.max(0, Math.min(1, overlap / (growth.seconds * 1000)));
    if (part === 0 || growth.steps === 0) return [];
    const { stage, member, nodeName } = growth;
    return [
      {
        stage,
        member,
        nodeName,
        steps: growth.steps * part,
        computeMilliseconds: growth.computeMilliseconds * part,
        wireMilliseconds: growth.wireMilliseconds * part,
        waitMilliseconds: growth.waitMilliseconds * part,
      },
    ];
  });
  if (additions.length === 0) return before;
  const sums = new Map(before.map((hop) => [`${hop.stage}.${hop.member}`, hop]));
  for (const hop of additions) {
    const key = `${hop.stage}.${hop.member}`;
    const sum = sums.get(key);
    if (sum === undefined) sums.set(key, hop);
    else {
      sums.set(key, {
        ...hop,
        steps: sum.steps + hop.steps,
        computeMilliseconds: sum.computeMilliseconds + hop.computeMilliseconds,
        wireMilliseconds: sum.wireMilliseconds + hop.wireMilliseconds,
        waitMilliseconds: sum.waitMilliseconds + hop.waitMilliseconds,
      });
    }
  }
  return [...sums.values()].sort((left, right) => left.stage - right.stage || left.member - right.member);
}
