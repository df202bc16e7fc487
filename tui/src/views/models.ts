/** Screen 5: models, and where they fit. */
import type { DashboardState, InstanceState } from '../state/state.js';
import type { Bar, Cell, Fact, ViewContext } from './blocks.js';
import { type FitFigures, type ModelFigures, modelsFigures } from './models-figures.js';
import { selectedId, table } from './tables.js';
import type { ModelsView } from './view-models.js';
import { bytes, cell, dash, fact, figureCell, figureFact } from './words.js';

const mostFitRows = 200;

export function modelsView(state: DashboardState, context: ViewContext): ModelsView {
  const figures = modelsFigures(state);
  const models = table({
    title: 'Models',
    columns: [
      { key: 'model', title: 'model', isWide: true },
      { key: 'weights', title: 'weights', align: 'right' },
      { key: 'state', title: 'state' },
      { key: 'fit', title: 'fits' },
      { key: 'architecture', title: 'architecture', from: 'wide' },
      { key: 'why', title: 'why', from: 'medium' },
    ],
    rows: figures.models.map((model) => ({
      id: model.name,
      hidden: model.architecture,
      cells: [
        cell(model.name),
        figureCell(model.weightBytes, bytes),
        stateCell(model),
        fitCell(model.fit),
        cell(model.architecture, 'dim'),
        cell(model.problem?.message ?? model.fit.reason, model.problem === undefined ? 'dim' : 'bad'),
      ],
    })),
    empty: 'no model is in a library of this machine',
    context,
    isMain: true,
  });
  const selected = figures.models.find(({ name }) => name === selectedId(models));
  return {
    summary: [
      { label: 'free in all', ...figureCell(figures.freeBytes, bytes) },
      fact('models', String(figures.models.length)),
      fact('loaded', String(state.instances.filter((one) => one.state === 'ready').length)),
    ],
    models,
    loading: state.instances.filter((one) => one.state === 'loading').map(loadingBar),
    details: selected === undefined ? [] : details(selected),
    fits: table({
      title: 'Nodes',
      columns: [
        { key: 'node', title: 'node', isWide: true },
        { key: 'free', title: 'free', align: 'right' },
        { key: 'holds', title: 'holds it alone' },
      ],
      rows: (selected?.fit.nodes ?? []).map(({ nodeName, freeBytes, holds }) => ({
        id: nodeName,
        cells: [cell(nodeName), figureCell(freeBytes, bytes), cell(holds ? 'yes' : 'no', holds ? 'good' : 'dim')],
      })),
      empty: 'no node tells its memory',
      context,
      most: mostFitRows,
    }),
  };
}

function stateCell({ instances, isKept, problem }: ModelFigures): Cell {
  if (problem !== undefined) return cell(problem.code, 'bad');
  const kept = isKept ? ', kept' : '';
  const ready = instances.filter(({ state }) => state === 'ready').length;
  if (ready > 0) return cell(`${ready > 1 ? `loaded ${ready} times` : 'loaded'}${kept}`, 'good');
  if (instances.some(({ state }) => state === 'loading')) return cell(`loading${kept}`, 'accent');
  if (instances.some(({ state }) => state === 'failed')) return cell(`failed${kept}`, 'bad');
  return cell(isKept ? 'kept' : '', 'dim');
}

const verdicts = {
  one: { text: 'one node', tone: 'good' },
  several: { text: 'split', tone: 'accent' },
  no: { text: 'no', tone: 'bad' },
  unknown: { text: 'not known', tone: 'dim' },
} as const;

/** What only compares weights with memory is marked, as figures that were not measured are. */
function fitCell({ verdict, basis }: FitFigures): Cell {
  const { text, tone } = verdicts[verdict];
  return cell(basis === 'estimate' && verdict !== 'unknown' ? `~${text}` : text, tone);
}

function loadingBar({ modelName, loading }: InstanceState): Bar {
  if (loading === undefined || loading.totalBytes === 0) {
    return { label: modelName, fraction: null, text: 'it has just begun', tone: 'dim' };
  }
  const { loadedBytes, totalBytes } = loading;
  const of = (value: number) => bytes({ value, source: 'measured' });
  return {
    label: modelName,
    fraction: loadedBytes / totalBytes,
    text: `${of(loadedBytes)} of ${of(totalBytes)}`,
    tone: 'accent',
  };
}

function details(model: ModelFigures): readonly Fact[] {
  const { fit, problem, instances } = model;
  return [
    fact('model', model.name),
    fact('architecture', model.architecture || dash),
    figureFact('weights', model.weightBytes, bytes),
    ...(problem === undefined ? [] : [fact(problem.code, problem.message, 'bad')]),
    fact(
      'fits',
      `${verdicts[fit.verdict].text} (${fit.basis === 'plan' ? 'as planned' : 'by its weights alone'})`,
      verdicts[fit.verdict].tone,
    ),
    fact('why', fit.reason),
    ...('value' in fit.missingBytes && fit.missingBytes.value > 0
      ? [fact('missing', bytes(fit.missingBytes), 'bad')]
      : []),
    ...instances.map(({ instance, state }) =>
      fact(`instance ${instance}`, state, state === 'failed' ? 'bad' : 'plain'),
    ),
  ];
}
