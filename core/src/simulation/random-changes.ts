/** What simulated operators want. */
import type { Change } from '../consensus/changes.js';
import type { SeededRandom } from './seeded-random.js';

export class RandomChanges {
  private wishes = 0;

  constructor(
    private readonly random: SeededRandom,
    private readonly nodeIds: readonly string[],
  ) {}

  next(): Change {
    const { random } = this;
    const nodeId = random.pick(this.nodeIds);
    const wish = `w${random.integer(1, this.wishes + 1)}`;
    const kind = random.integer(0, 9);
    if (kind <= 1) return { kind: 'cordon-node', nodeId, reason: 'test' };
    if (kind <= 3) return { kind: 'uncordon-node', nodeId };
    if (kind === 4) return { kind: 'drain-node', nodeId, reason: 'test' };
    if (kind === 5) return { kind: 'pause-node', nodeId, reason: 'test' };
    if (kind === 6) return { kind: 'resume-node', nodeId };
    if (kind === 7) return { kind: 'drop-model', wish };
    if (kind === 8) return { kind: 'pause-instance', instance: `${nodeId}-1-1`, reason: 'test' };
    return { kind: 'want-model', wish: `w${++this.wishes}`, model: 'model', optionsJson: '{}' };
  }
}
