import { ShoalError } from '../spec/errors.js';
import { placeFastest } from './fastest.js';
import { placeManually, placeShape } from './forced.js';
import { checkManualStages } from './manual.js';
import { Planning } from './planning.js';
import { type PlacementRequest, type PlacementResult, placementObjectives, placementPolicies } from './request.js';
import { placeRing, placeSmallestCycle, placeWeightedScore } from './ring.js';

/**
 * Decides who computes what, or refuses with numbers. Pure: the same request gives the same plan, in whatever order its
 * nodes are listed.
 *
 * Without a forced shape or another policy: the plan with the least predicted time for a token, and one device alone unless
 * a split is clearly faster or needed. Throws ARGUMENT_INVALID, and what the strategy throws (PROGRAM_*).
 */
export function place(request: PlacementRequest): PlacementResult {
  return placeWith(new Planning(request));
}

function unknownName(argument: string, given: unknown, known: readonly string[]): ShoalError {
  const message = `${argument} is ${JSON.stringify(given)}, which is none of ${known.join(', ')}`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { argument } });
}

export function placeWith(planning: Planning): PlacementResult {
  if (planning.candidates.length === 0) return planning.noDevices();
  const { shape, manual, policy = manual === undefined ? 'fastest' : 'manual', objective } = planning.request.options;
  // Programs without types, and requests from outside, name what they like.
  if (!placementPolicies.includes(policy)) throw unknownName('policy', policy, placementPolicies);
  if (objective !== undefined && !placementObjectives.includes(objective)) {
    throw unknownName('objective', objective, placementObjectives);
  }
  if (shape !== undefined) return placeShape(planning, shape);
  switch (policy) {
    case 'fastest':
      if (objective !== 'capacity') return placeFastest(planning);
      return placeRing(planning, 'As much memory as there is, for long and many conversations.');
    case 'smallest-cycle':
      return placeSmallestCycle(planning);
    case 'ring-memory-weighted':
      return placeRing(planning, 'Every device that holds a layer has a part of the ring.');
    case 'weighted-score':
      return placeWeightedScore(planning);
    case 'manual': {
      if (manual !== undefined) checkManualStages(manual);
      if (manual !== undefined) return placeManually(planning, manual);
      const message = 'The policy manual needs to be told who takes what.';
      throw new ShoalError('ARGUMENT_INVALID', message, { details: { argument: 'manual' } });
    }
  }
}
