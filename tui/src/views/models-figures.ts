/** The figures of the screen Models. */
import { fixedMarginBytes, marginPerWeightByte } from '@shoal/core/client';
import { type Figure, measured, unknown, valueIn } from '../state/figure.js';
import type { DashboardState, InstanceState, ModelState, NodeState } from '../state/state.js';
import { isThere, memoryOf } from './shares.js';

export interface ModelsFigures {
  /** Free now, each machine once. */
  readonly freeBytes: Figure;
  readonly models: readonly ModelFigures[];
}

export interface ModelFigures {
  readonly name: string;
  readonly architecture: string;
  readonly weightBytes: Figure;
  readonly problem?: { readonly code: string; readonly message: string };
  readonly instances: readonly {
    readonly instance: string;
    readonly state: InstanceState['state'];
    readonly loadedBytes?: number;
    readonly totalBytes?: number;
  }[];
  readonly isKept: boolean;
  readonly fit: FitFigures;
}

export interface FitFigures {
  /** `one`: a node holds it by itself; `several`: all together do. */
  readonly verdict: 'one' | 'several' | 'no' | 'unknown';
  /** A plan was made, or weights were compared with memory. */
  readonly basis: 'plan' | 'estimate';
  /** Of nodes, by name: what each has free, and whether it holds the model by itself. */
  readonly nodes: readonly { readonly nodeName: string; readonly freeBytes: Figure; readonly holds: boolean }[];
  readonly missingBytes: Figure;
  readonly reason: string;
}

export function modelsFigures(state: DashboardState): ModelsFigures {
  const machines = machinesOf(state.nodes);
  const named = new Set(state.models.map(({ name }) => name));
  // What is loaded from elsewhere is a model, too.
  const others = [...new Set(state.instances.map(({ modelName }) => modelName))].filter(
    (name) => !isNamed(named, name),
  );
  const elsewhere = others.map(
    (name): ModelState => ({ name, architecture: '', weightBytes: unknown('no library of this machine has it') }),
  );
  return {
    freeBytes: freeBytes(machines),
    models: [...state.models, ...elsewhere].map((model) => modelFigures(state, model, machines)),
  };
}

/** Plans name models without their owners. */
export function isModel(libraryName: string, modelName: string): boolean {
  return libraryName === modelName || libraryName.endsWith(`/${modelName}`);
}

function isNamed(names: ReadonlySet<string>, modelName: string): boolean {
  return [...names].some((name) => isModel(name, modelName));
}

interface Machine {
  readonly node: NodeState;
  readonly freeBytes: Figure;
}

/** One node for each machine: they share its memory. */
function machinesOf(nodes: readonly NodeState[]): readonly Machine[] {
  const machines = new Map<string, Machine>();
  for (const node of nodes) {
    if (!isThere(node) || node.cordoned !== undefined) continue;
    const key = node.machineId ?? node.nodeId;
    if (!machines.has(key)) machines.set(key, { node, freeBytes: memoryOf(node).availableBytes });
  }
  return [...machines.values()];
}

function freeBytes(machines: readonly Machine[]): Figure {
  const known = machines.flatMap((machine) => valueIn(machine.freeBytes) ?? []);
  return known.length === 0 ? unknown('no node tells its memory') : measured(known.reduce((sum, one) => sum + one, 0));
}

function modelFigures(state: DashboardState, model: ModelState, machines: readonly Machine[]): ModelFigures {
  const instances = state.instances.filter(({ modelName }) => isModel(model.name, modelName));
  return {
    ...model,
    instances: instances.map(({ instance, state: phase, loading }) => ({
      instance,
      state: phase,
      ...(loading === undefined ? {} : { loadedBytes: loading.loadedBytes, totalBytes: loading.totalBytes }),
    })),
    isKept: state.wishes.some((wish) => isModel(model.name, wish.model) || isModel(wish.model, model.name)),
    fit: plannedFit(state, model, machines) ?? estimatedFit(model, machines),
  };
}

/** What `explain` said last of the model as it is. */
function plannedFit(state: DashboardState, { name }: ModelState, machines: readonly Machine[]): FitFigures | undefined {
  const explanation = state.explanations.find(
    ({ question, outcome }) =>
      question.model === name && question.without.length + question.added.length === 0 && outcome.phase !== 'planning',
  );
  if (explanation === undefined || explanation.outcome.phase === 'planning') return undefined;
  const { outcome } = explanation;
  const nothingMissing = measured(0);
  const nodes = nodesOf(machines, undefined);
  if (outcome.phase === 'refused') {
    const missingBytes = unknown('the refusal says what is missing in words');
    return { verdict: 'no', basis: 'plan', nodes, missingBytes, reason: outcome.message };
  }
  const members = outcome.plan.stages.flatMap((stage) => stage.members);
  const names = [...new Set(members.map(({ nodeName }) => nodeName))];
  const verdict = names.length === 1 ? 'one' : 'several';
  return { verdict, basis: 'plan', nodes, missingBytes: nothingMissing, reason: `planned on ${names.join(', ')}` };
}

function estimatedFit({ weightBytes, problem }: ModelState, machines: readonly Machine[]): FitFigures {
  const weights = valueIn(weightBytes);
  if (weights === undefined || problem !== undefined) {
    const reason = problem?.message ?? ('unknown' in weightBytes ? weightBytes.unknown : '');
    return { verdict: 'unknown', basis: 'estimate', nodes: [], missingBytes: unknown(reason), reason };
  }
  const need = weights * (1 + marginPerWeightByte) + fixedMarginBytes;
  const nodes = nodesOf(machines, need);
  const holders = nodes.filter(({ holds }) => holds);
  if (holders.length > 0) {
    const more = holders.length > 3 ? ` and ${holders.length - 3} more` : '';
    const names = holders.slice(0, 3).map(({ nodeName }) => nodeName);
    const reason = `${names.join(', ')}${more} could hold its weights`;
    return { verdict: 'one', basis: 'estimate', nodes, missingBytes: measured(0), reason };
  }
  const free = freeBytes(machines);
  if ('unknown' in free)
    return { verdict: 'unknown', basis: 'estimate', nodes, missingBytes: free, reason: free.unknown };
  const missing = need + (machines.length - 1) * fixedMarginBytes - free.value;
  if (missing <= 0) {
    const reason = `no node alone, but all ${machines.length} together could hold its weights`;
    return { verdict: 'several', basis: 'estimate', nodes, missingBytes: measured(0), reason };
  }
  const reason = 'its weights are more than all nodes have free';
  return { verdict: 'no', basis: 'estimate', nodes, missingBytes: measured(missing), reason };
}

function nodesOf(machines: readonly Machine[], need: number | undefined): FitFigures['nodes'] {
  return machines.map(({ node, freeBytes: free }) => ({
    nodeName: node.nodeName,
    freeBytes: free,
    holds: need !== undefined && (valueIn(free) ?? 0) >= need,
  }));
}
