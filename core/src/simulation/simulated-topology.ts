/** Who can connect to whom at all, as pairs `one other` in order. */
import type { SeededRandom } from './seeded-random.js';

export function makeTopology(nodeIds: readonly string[], random: SeededRandom): Set<string> {
  const edges = new Set<string>();
  const connect = (one: string | undefined, other: string | undefined) => {
    if (one && other && one !== other) edges.add(one < other ? `${one} ${other}` : `${other} ${one}`);
  };
  const kind = random.integer(0, 9);
  for (const [index, nodeId] of nodeIds.entries()) {
    if (kind === 6) connect(nodeId, nodeIds[index + 1]);
    else if (kind === 7) connect(nodeId, nodeIds[0]);
    else if (kind === 8) connect(nodeId, nodeIds[(index + 1) % nodeIds.length]);
    else if (kind === 9) {
      if (index > 0) connect(nodeId, nodeIds[random.integer(0, index - 1)]);
      if (random.chance(0.3)) connect(nodeId, random.pick(nodeIds));
    } else for (const other of nodeIds) connect(nodeId, other);
  }
  return edges;
}
