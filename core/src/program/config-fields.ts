/** Typed access to fields of config.json, for sharding strategies: a wrong field is an error that names it. */
import { ShoalError } from '../spec/errors.js';
import type { ModelConfig } from '../spec/model.js';

/** Largest size that a field may claim unless it is told: keeps absurd files from becoming absurd allocations. */
const largestSize = 2 ** 31 - 1;

function invalid(name: string, value: unknown, expected: string): never {
  throw new ShoalError(
    'MODEL_CONFIG_INVALID',
    `config.json: '${name}' is ${JSON.stringify(value) ?? 'missing'}, expected ${expected}`,
    {
      details: { field: name },
    },
  );
}

/**
 * A positive integer up to `largest`; `fallback` where the field is missing or null. Throws MODEL_CONFIG_INVALID.
 */
export function configSize(config: ModelConfig, name: string, fallback?: number, largest = largestSize): number {
  const value = config[name] ?? fallback;
  if (typeof value !== 'number' || !Number.isInteger(value) || value <= 0) {
    return invalid(name, value, 'a positive integer');
  }
  return value <= largest ? value : invalid(name, value, `at most ${largest}`);
}

/** A finite number; `fallback` where the field is missing or null. Throws MODEL_CONFIG_INVALID. */
export function configNumber(config: ModelConfig, name: string, fallback?: number): number {
  const value = config[name] ?? fallback;
  if (typeof value === 'number' && Number.isFinite(value)) return value;
  return invalid(name, value, 'a number');
}

/** A boolean; `fallback` where the field is missing or null. Throws MODEL_CONFIG_INVALID. */
export function configFlag(config: ModelConfig, name: string, fallback = false): boolean {
  const value = config[name] ?? fallback;
  if (typeof value === 'boolean') return value;
  return invalid(name, value, 'true or false');
}
