import { cutsFor } from '../program/cuts.js';
import { missingOperations } from '../program/decompose.js';
import type { ShardRequest } from '../spec/sharding.js';
import type { Candidate, LeftOut } from './candidates.js';
import type { PlacementRequest } from './request.js';
import type { PlacementSettings } from './settings.js';

/** Layers that may differ by turns. */
const turns = 4;

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
  const parts = representativeLayers(request).map(
    (layer): ShardRequest => ({
      layers: [layer, layer + 1],
      hasEmbedding: layer === 0,
      hasHead: layer === constraints.layerCount - 1,
      memberCount: 1,
      cuts: cutsFor(constraints, [1]),
    }),
  );
  const missingByCapabilities = new Map<string, readonly string[]>();
  const missingFor = ({ device }: Candidate): readonly string[] => {
    const key = `${device.backend} ${JSON.stringify(device.capabilities)}`;
    let missing = missingByCapabilities.get(key);
    if (missing === undefined) {
      const lacking = parts.flatMap((part) => {
        const { program } = request.lowerMember(part, 0, device, settings);
        const types = new Set(Object.values(program.weights).map(({ storage }) => storage));
        return [
          ...missingOperations(program, new Set(device.capabilities.operations)),
          ...[...types]
            .filter((type) => !device.capabilities.storageTypes.includes(type))
            .map((type) => `weights stored as ${type}`),
        ];
      });
      missing = [...new Set(lacking)];
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

/**
 * The first ones, the last one, and one of each kind between them: a model has many layers and few kinds. Layers that take
 * turns (windowed and full attention, say) cost the same and do so among the first.
 */
function representativeLayers({ costs: { layers } }: PlacementRequest): readonly number[] {
  const kinds = new Map<string, number>();
  for (const [index, layer] of layers.entries()) {
    const key = JSON.stringify(layer);
    if (!kinds.has(key)) kinds.set(key, index);
  }
  return [...new Set([...layers.slice(0, turns).keys(), ...kinds.values(), layers.length - 1])];
}
