/** How much of a request its maker may leave open, and who fills it. */
import type { SamplingOptions } from '../spec/engine.js';

/** Sampling as a request says it; what it leaves out, the model's defaults say, and then the engine's. */
export type SamplingRequest = Partial<SamplingOptions>;

/** What a model recommends for itself. A seed is never a default: it would make all answers alike. */
export type SamplingDefaults = Omit<SamplingRequest, 'seed'>;

/** The numbers that an answer is sampled with, whoever said them. */
export type AppliedSampling = Omit<SamplingOptions, 'seed' | 'logitBias' | 'constraint' | 'logProbabilities'>;

export function appliedSampling(options: SamplingOptions): AppliedSampling {
  const { seed: _seed, logitBias: _bias, constraint: _constraint, logProbabilities: _count, ...numbers } = options;
  return numbers;
}

/** Longest answer in tokens when nobody says otherwise. */
export const defaultMaximumTokens = 512;

/** Seeds that this side draws are short enough to be typed again. */
const seedLimit = 2 ** 32;

/**
 * The one place where open fields are closed, on the head's node: the request first, then the model's defaults, then
 * greedy. A seed that is left open is drawn; `accepted` tells the caller which.
 */
export function resolveSampling(request: SamplingRequest, defaults: SamplingDefaults = {}): SamplingOptions {
  return { temperature: 0, seed: Math.floor(Math.random() * seedLimit), ...defaults, ...request };
}
