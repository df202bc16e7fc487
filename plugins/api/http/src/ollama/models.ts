/** What Ollama's interface says of models: those that are loaded, with figures of their own files and plans. */
import { type Plan, ShoalError } from '@shoal/core';
import type { ServedModel } from '../model-directory.js';

/** What Ollama says for a model that stays: clients only show it. */
const neverExpires = '2318-01-01T00:00:00Z';

/** Ollama adds a tag to every name. */
export function modelOf(name: string): string {
  if (name === '') throw new ShoalError('REQUEST_INVALID', 'model is required', { details: { parameter: 'model' } });
  return name.replace(/:latest$/, '');
}

/** Each model once, with all its instances. */
export function distinct(served: readonly ServedModel[]): (readonly ServedModel[])[] {
  const byName = new Map<string, ServedModel[]>();
  for (const one of served) byName.set(one.name, [...(byName.get(one.name) ?? []), one]);
  return [...byName.values()];
}

/** As `ollama list` shows it: its size is that of its files. */
export function tagOf({ name, instance, since }: ServedModel) {
  const { plan } = instance;
  const { traits } = plan;
  const family = familyOf(plan);
  return {
    name,
    model: name,
    modified_at: new Date(since).toISOString(),
    size: traits?.storedBytes ?? memoryOf(plan).weights,
    digest: plan.modelDigest,
    details: {
      parent_model: '',
      format: 'safetensors',
      family,
      families: [family],
      parameter_size: traits?.parameters === undefined ? '' : shortCount(traits.parameters),
      quantization_level: storageOf(plan),
    },
  };
}

/** As `ollama ps` shows it: its size is what it takes of all machines, `size_vram` what of that is not main memory. */
export function runningOf(instances: readonly ServedModel[]): object[] {
  const [first] = instances;
  if (!first) return [];
  const memory = instances.map(({ instance }) => memoryOf(instance.plan));
  return [
    {
      ...tagOf(first),
      size: memory.reduce((sum, { all }) => sum + all, 0),
      size_vram: memory.reduce((sum, { device }) => sum + device, 0),
      context_length: first.instance.plan.contextLength,
      expires_at: neverExpires,
    },
  ];
}

/** As `ollama show` shows it. */
export function detailsOf(served: ServedModel): object {
  const { plan } = served.instance;
  const { traits } = plan;
  const family = familyOf(plan);
  const figures = {
    'general.parameter_count': traits?.parameters,
    [`${family}.context_length`]: traits?.contextLength ?? plan.contextLength,
    [`${family}.embedding_length`]: traits?.embeddingLength,
    [`${family}.block_count`]: plan.stages.at(-1)?.layers[1],
  };
  const known = Object.entries(figures).filter(([, value]) => value !== undefined);
  return {
    ...tagOf(served),
    // The context that it is loaded with.
    parameters: `num_ctx ${plan.contextLength}`,
    model_info: { 'general.architecture': family, 'general.basename': served.name, ...Object.fromEntries(known) },
    capabilities: ['completion', ...(traits?.tools ? ['tools'] : []), ...(traits?.thinking ? ['thinking'] : [])],
  };
}

function familyOf({ strategy, traits }: Plan): string {
  return traits?.family ?? strategy;
}

/** What most of its numbers are stored as: as it was loaded, or as its files have them. */
function storageOf({ storage, traits }: Plan): string {
  const loaded = storage.matrix === 'as-stored' ? (traits?.storage ?? '') : String(storage.matrix);
  return loaded.toUpperCase();
}

function memoryOf({ stages }: Plan) {
  const members = stages.flatMap((stage) => stage.members);
  const bytes = (of: typeof members) => of.reduce((sum, one) => sum + one.weightBytes + one.stateBytes, 0);
  return {
    weights: members.reduce((sum, one) => sum + one.weightBytes, 0),
    all: bytes(members),
    device: bytes(members.filter(({ deviceKind = 'cpu' }) => deviceKind !== 'cpu')),
  };
}

/** 8.0B, 135.2M. */
function shortCount(count: number): string {
  const units = [
    [1e9, 'B'],
    [1e6, 'M'],
    [1e3, 'K'],
  ] as const;
  for (const [size, letter] of units) if (count >= size) return `${(count / size).toFixed(1)}${letter}`;
  return String(count);
}
