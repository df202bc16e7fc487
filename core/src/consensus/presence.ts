/**
 * Which nodes are there. Neighbours are, as long as they are connected. Of the others a node hears through its
 * neighbours: every node counts a beat, and a count that grows is a node that lives, however many others it passed.
 */
import type { Clock } from './environment.js';
import type { DigestEntry } from './messages.js';

/** Nodes that are not connected to this one count as gone when their beat has not grown for this long. */
export const silenceMilliseconds = 10_000;

interface Heard {
  incarnation: number;
  beat: number;
  at: number;
}

export class Presence {
  private readonly heard = new Map<string, Heard>();
  private readonly neighbours = new Set<string>();
  private ownBeat = 0;

  constructor(
    private readonly nodeId: string,
    private readonly clock: Clock,
  ) {}

  /** One more beat of this node. Others are remembered while `isKnown`: an old beat must not come back as news. */
  beat(isKnown: (nodeId: string) => boolean): void {
    this.ownBeat++;
    for (const nodeId of this.heard.keys()) {
      if (!isKnown(nodeId) && !this.isPresent(nodeId)) this.heard.delete(nodeId);
    }
  }

  beatOf(nodeId: string): number {
    return nodeId === this.nodeId ? this.ownBeat : (this.heard.get(nodeId)?.beat ?? 0);
  }

  isNeighbour(nodeId: string): boolean {
    return this.neighbours.has(nodeId);
  }

  isPresent(nodeId: string): boolean {
    if (nodeId === this.nodeId || this.neighbours.has(nodeId)) return true;
    const at = this.heard.get(nodeId)?.at;
    return at !== undefined && this.clock.now() - at < silenceMilliseconds;
  }

  connected(nodeId: string): void {
    this.neighbours.add(nodeId);
  }

  disconnected(nodeId: string): void {
    this.neighbours.delete(nodeId);
    // Another way to it may exist, and would show by its beat.
    const heard = this.heard.get(nodeId);
    if (heard) heard.at = Number.NEGATIVE_INFINITY;
  }

  /** What a neighbour knows of other nodes. */
  learn(entries: readonly DigestEntry[]): void {
    for (const { nodeId, incarnation, beat } of entries) {
      if (beat === 0) continue;
      const known = this.heard.get(nodeId);
      if (known && (incarnation < known.incarnation || (incarnation === known.incarnation && beat <= known.beat))) {
        continue;
      }
      this.heard.set(nodeId, { incarnation, beat, at: this.clock.now() });
    }
  }

  /** A node spoke for itself, if only through others. */
  spoke(nodeId: string): void {
    const known = this.heard.get(nodeId);
    if (known) known.at = this.clock.now();
    else this.heard.set(nodeId, { incarnation: 0, beat: 0, at: this.clock.now() });
  }
}
