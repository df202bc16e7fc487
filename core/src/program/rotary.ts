/**
 * Inverse frequencies of rotary position embeddings, from config.json in both of its spellings: `rope_scaling` beside
 * `rope_theta`, and transformers 5's `rope_parameters`. Formulas: RoPE arXiv:2104.09864, YaRN arXiv:2309.00071, Llama 3.1's
 * model card, dynamic NTK scaling as in transformers' `modeling_rope_utils`.
 */
import { ShoalError } from '../spec/errors.js';
import type { ModelConfig } from '../spec/model.js';

export interface RotaryFrequencies {
  /** One per pair of rotated columns. */
  readonly inverseFrequencies: readonly number[];
  /** Multiplies both results of the rotation. */
  readonly magnitude: number;
}

/** The rotary parameters of a model, spelling resolved. */
export interface RotaryParameters {
  readonly type: string;
  readonly base: number;
  /** Fields of the scaling type, as written. */
  readonly fields: Readonly<Record<string, unknown>>;
}

export const supportedRotaryTypes: readonly string[] = ['default', 'linear', 'dynamic', 'yarn', 'llama3'];

const isObject = (value: unknown): value is Record<string, unknown> =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

function invalid(problem: string): never {
  throw new ShoalError('MODEL_CONFIG_INVALID', `config.json: ${problem}`);
}

/** Resolves the spelling. `defaultBase` is the family's, for configurations that leave it out. */
export function rotaryParameters(config: ModelConfig, defaultBase = 10_000): RotaryParameters {
  const written = config.rope_parameters ?? config.rope_scaling;
  // Some configurations have the trained length beside the parameters; in transformers it goes before theirs.
  const { original_max_position_embeddings: original } = config;
  const fields: Record<string, unknown> = {
    ...(isObject(written) ? written : {}),
    ...(typeof original === 'number' ? { original_max_position_embeddings: original } : {}),
  };
  const base = fields.rope_theta ?? config.rope_theta ?? defaultBase;
  const type = fields.rope_type ?? fields.type ?? 'default';
  if (typeof base !== 'number' || !(base > 0))
    return invalid(`rope_theta ${JSON.stringify(base)} is not a positive number`);
  if (typeof type !== 'string') return invalid('rope_type is not a string');
  return { type, base, fields };
}

function field(fields: Readonly<Record<string, unknown>>, name: string, fallback?: number): number {
  const value = fields[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isFinite(value))
    return invalid(`rope parameter '${name}' is missing or not a number`);
  return value;
}

const optional = (fields: Readonly<Record<string, unknown>>, name: string): number | undefined =>
  typeof fields[name] === 'number' ? (fields[name] as number) : undefined;

/**
 * Frequencies for `rotatedSize` columns. `contextLength`: the longest sequence to be served, which decides the base of
 * `dynamic` scaling once for all positions. Throws MODEL_CONFIG_INVALID for missing fields and unknown types.
 */
export function rotaryFrequencies(
  parameters: RotaryParameters,
  rotatedSize: number,
  maximumPositions: number,
  contextLength?: number,
): RotaryFrequencies {
  const { type, base, fields } = parameters;
  const plain = (theta: number): number[] =>
    Array.from({ length: rotatedSize / 2 }, (_, index) => theta ** ((-2 * index) / rotatedSize));
  switch (type) {
    case 'default':
      return { inverseFrequencies: plain(base), magnitude: 1 };
    case 'linear': {
      const factor = field(fields, 'factor');
      return { inverseFrequencies: plain(base).map((frequency) => frequency / factor), magnitude: 1 };
    }
    case 'dynamic': {
      const factor = field(fields, 'factor');
      const length = Math.max(contextLength ?? maximumPositions, maximumPositions);
      const stretch = (factor * length) / maximumPositions - (factor - 1);
      return { inverseFrequencies: plain(base * stretch ** (rotatedSize / (rotatedSize - 2))), magnitude: 1 };
    }
    case 'llama3':
      return {
        inverseFrequencies: plain(base).map((frequency) => scaleLlama3(frequency, fields, maximumPositions)),
        magnitude: 1,
      };
    case 'yarn':
      return yarn(parameters, plain(base), rotatedSize, maximumPositions);
    default:
      return invalid(`rope type '${type}' is not supported (supported: ${supportedRotaryTypes.join(', ')})`);
  }
}

function scaleLlama3(frequency: number, fields: Readonly<Record<string, unknown>>, maximumPositions: number): number {
  const factor = field(fields, 'factor');
  const low = field(fields, 'low_freq_factor');
  const high = field(fields, 'high_freq_factor');
  const original = field(fields, 'original_max_position_embeddings', maximumPositions);
  const wavelength = (2 * Math.PI) / frequency;
  if (wavelength > original / low) return frequency / factor;
  if (wavelength < original / high) return frequency;
  const smooth = (original / wavelength - low) / (high - low);
  return ((1 - smooth) * frequency) / factor + smooth * frequency;
}

/** YaRN's attention factor for a scale. */
export const yarnMagnitude = (scale: number, weight = 1): number =>
  scale <= 1 ? 1 : 0.1 * weight * Math.log(scale) + 1;

function yarn(
  { base, fields }: RotaryParameters,
  plain: readonly number[],
  size: number,
  maximumPositions: number,
): RotaryFrequencies {
  const original = field(fields, 'original_max_position_embeddings', maximumPositions);
  const factor = optional(fields, 'factor') ?? maximumPositions / original;
  const weight = optional(fields, 'mscale');
  const weightAll = optional(fields, 'mscale_all_dim');
  const derived =
    weight && weightAll ? yarnMagnitude(factor, weight) / yarnMagnitude(factor, weightAll) : yarnMagnitude(factor);
  const magnitude = optional(fields, 'attention_factor') ?? derived;

  // The columns between which frequencies change from extrapolated to interpolated.
  const columnOfRotations = (rotations: number): number =>
    (size * Math.log(original / (rotations * 2 * Math.PI))) / (2 * Math.log(base));
  const truncate = fields.truncate !== false;
  const fast = columnOfRotations(optional(fields, 'beta_fast') || 32);
  const slow = columnOfRotations(optional(fields, 'beta_slow') || 1);
  const low = Math.max(truncate ? Math.floor(fast) : fast, 0);
  const limit = Math.min(truncate ? Math.ceil(slow) : slow, size - 1);
  const high = low === limit ? limit + 0.001 : limit;
  const inverseFrequencies = plain.map((frequency, index) => {
    const ramp = Math.min(Math.max((index - low) / (high - low), 0), 1);
    return (frequency / factor) * ramp + frequency * (1 - ramp);
  });
  return { inverseFrequencies, magnitude };
}
