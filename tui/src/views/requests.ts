/** Screen 2: what runs, and where each token's time goes. */
import type { DashboardState, InstanceState, RequestPhase, RequestState } from '../state/state.js';
import type { Cell, Fact, Series, Tone, ViewContext } from './blocks.js';
import { last } from './histories.js';
import { hopBars } from './hop-bars.js';
import { type InstanceRequestsFigures, instancesFigures, requestFigures, requestTotals } from './requests-figures.js';
import { selectedId, table } from './tables.js';
import type { InstanceRequestsView, RequestsView } from './view-models.js';
import { age, cell, clock, dash, fact, figureCell, figureFact, milliseconds, tokenRate, whole } from './words.js';

/** More could not be told apart. */
const mostInstances = 8;

const phaseTones: Readonly<Record<RequestPhase, Tone>> = {
  queued: 'warning',
  reading: 'accent',
  answering: 'good',
  finished: 'dim',
  cancelled: 'dim',
  failed: 'bad',
};

export function requestsView(state: DashboardState, context: ViewContext): RequestsView {
  const requests = requestTable(state.requests, context);
  const selected = state.requests.find(({ request }) => request === selectedId(requests));
  const { running, queued, failed, ...totals } = requestTotals(state);
  return {
    summary: [
      fact('running', String(running), running > 0 ? 'good' : 'plain'),
      fact('queued', String(queued), queued > 0 ? 'warning' : 'plain'),
      { label: 'speed', ...figureCell(totals.tokensPerSecond, tokenRate) },
      { label: 'first token', ...figureCell(totals.medianTimeToFirstTokenMilliseconds, milliseconds) },
      { label: 'an answer', ...figureCell(totals.medianTokensPerSecond, tokenRate) },
      ...(failed === 0 ? [] : [fact('failed', String(failed), 'bad')]),
    ],
    instances: instancesFigures(state)
      .slice(0, mostInstances)
      .map((one) => instanceView(one, state.instances)),
    requests,
    hops: selected === undefined ? [] : hopBars(requestFigures(selected).hops),
    details: selected === undefined ? [] : details(selected),
  };
}

function instanceView(figures: InstanceRequestsFigures, instances: readonly InstanceState[]): InstanceRequestsView {
  const { instance, modelName, state, paused, waitingRequests, residentSlots, slotCount, tokensPerSecond, hops } =
    figures;
  const history = instances.find((one) => one.instance === instance)?.history;
  const waits = 'value' in waitingRequests && waitingRequests.value > 0;
  const series: readonly Series[] =
    history === undefined
      ? []
      : [
          {
            label: 'tokens',
            ...figureCell(tokensPerSecond, tokenRate),
            points: history.tokensPerSecond,
            maximum: null,
          },
          { label: 'queue', ...figureCell(waitingRequests, whole), points: history.waitingRequests, maximum: null },
          {
            label: 'slots',
            text: slots(residentSlots, slotCount),
            tone: 'plain',
            points: history.residentSlots,
            maximum: slotCount,
          },
          shareSeries('compute', history.computeShare, 'good'),
          shareSeries('wire', history.wireShare, 'warning'),
          shareSeries('wait', history.waitShare, 'dim'),
        ];
  return {
    instance,
    title: cell(`${modelName} (${state})`, paused === undefined ? 'accent' : 'warning'),
    facts: [
      { label: 'speed', ...figureCell(tokensPerSecond, tokenRate) },
      { label: 'queue', ...figureCell(waitingRequests, whole, waits ? 'warning' : 'plain') },
      fact('slots', slots(residentSlots, slotCount)),
      ...(paused === undefined ? [] : [fact('paused', paused, 'warning')]),
    ],
    series,
    hops: hopBars(hops),
  };
}

function slots(resident: InstanceRequestsFigures['residentSlots'], slotCount: number): string {
  return `${whole(resident)} of ${slotCount}`;
}

function shareSeries(label: string, points: Series['points'], tone: Tone): Series {
  const value = last(points);
  return { label, text: value === null ? dash : `${Math.round(value * 100)} %`, tone, points, maximum: 1 };
}

function requestTable(requests: readonly RequestState[], context: ViewContext) {
  return table({
    title: 'Requests',
    columns: [
      { key: 'phase', title: 'state' },
      { key: 'model', title: 'model', isWide: true },
      { key: 'head', title: 'head', from: 'medium' },
      { key: 'started', title: 'began', from: 'medium' },
      { key: 'age', title: 'for', align: 'right' },
      { key: 'prompt', title: 'prompt', align: 'right', from: 'medium' },
      { key: 'generated', title: 'tokens', align: 'right' },
      { key: 'queue', title: 'queued', align: 'right', from: 'wide' },
      { key: 'first', title: 'first token', align: 'right' },
      { key: 'rate', title: 'speed', align: 'right' },
      { key: 'outcome', title: 'end', from: 'wide' },
    ],
    rows: requests.map((request) => ({
      id: request.request,
      hidden: request.instance,
      cells: [
        cell(request.phase, phaseTones[request.phase]),
        cell(request.modelName),
        cell(request.headNodeName),
        cell(clock(request.startedAt), 'dim'),
        cell(age((request.endedAt ?? context.now) - request.startedAt)),
        figureCell(request.promptTokens, whole),
        figureCell(request.generatedTokens, whole),
        figureCell(request.queueMilliseconds, milliseconds),
        figureCell(request.timeToFirstTokenMilliseconds, milliseconds),
        figureCell(request.tokensPerSecond, tokenRate),
        outcome(request),
      ],
    })),
    empty: 'nothing has been asked lately',
    context,
    isMain: true,
  });
}

function outcome({ outcome: end = '', phase }: RequestState): Cell {
  return cell(end, phase === 'failed' ? 'bad' : 'dim');
}

function details(request: RequestState): readonly Fact[] {
  return [
    fact('request', request.request, 'dim'),
    fact('model', request.modelName),
    fact('head', request.headNodeName),
    fact('state', request.phase, phaseTones[request.phase]),
    figureFact('prompt', request.promptTokens, (figure) => `${whole(figure)} tokens`),
    figureFact('answer', request.generatedTokens, (figure) => `${whole(figure)} tokens`),
    figureFact('queued', request.queueMilliseconds, milliseconds),
    figureFact('first token', request.timeToFirstTokenMilliseconds, milliseconds),
    figureFact('speed', request.tokensPerSecond, tokenRate),
    ...(request.outcome === undefined
      ? []
      : [fact('end', request.outcome, request.phase === 'failed' ? 'bad' : 'plain')]),
  ];
}
