import { cutsFor } from '../program/cuts.js';
import { missingOperations } from '../program/decompose.js';
import type { ShardRequest } from '../spec/sharding.js';
import type { Candidate, LeftOut } from './candidates.js';
import type { PlacementRequest } from './request.js';
import type { PlacementSettings } from './settings.js';

/**
 * Leaves out devices whose backend does not run what the model's program needs: operations, or the types that weights
 * are kept in. A macro operation that a backend lacks is no obstacle where it runs the primitives that make it up.
 */
export function runnableCandidates(
  request: PlacementRequest,
  settings: PlacementSettings,
  candidates: readonly Candidate[],
): { readonly runnable: readonly Candidate[]; readonly leftOut: readonly LeftOut[] } {
  const constraints = request.constraints(1);
  const whole: ShardRequest = {
    layers: [0, constraints.layerCount],
    hasEmbedding: true,
    hasHead: true,
    memberCount: 1,
    cuts: cutsFor(constraints, [1]),
  };
  const missingByCapabilities = new Map<string, readonly string[]>();
  const missingFor = ({ device }: Candidate): readonly string[] => {
    const key = `${device.backend} ${JSON.stringify(device.capabilities)}`;
    let missing = missingByCapabilities.get(key);
    if (missing === undefined) {
      const { program } = request.lowerMember(whole, 0, device, settings);
      const types = new Set(Object.values(program.weights).map(({ storage }) => storage));
      missing = [
        ...missingOperations(program, new Set(device.capabilities.operations)),
        ...[...types]
          .filter((type) => !device.capabilities.storageTypes.includes(type))
          .map((type) => `weights stored as ${type}`),
      ];
      missingByCapabilities.set(key, missing);
    }
    return missing;
  };
  const runnable: Candidate[] = [];
  const leftOut: LeftOut[] = [];
  for (const candidate of candidates) {
    const missing = missingFor(candidate);
    if (missing.length === 0) {
      runnable.push(candidate);
    } else {
      const reason = `the ${candidate.device.backend} backend does not run ${missing.join(', ')}`;
      leftOut.push({ nodeName: candidate.node.nodeName, deviceId: candidate.properties.id, reason });
    }
  }
  return { runnable, leftOut };
}
