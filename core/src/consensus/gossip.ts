/** Sends to neighbours, and passes on what is meant for others. */
import type { Bus, Random } from './environment.js';
import type { ConsensusMessage } from './messages.js';

/** News is passed on to this many neighbours; the digests reach whoever was left out. */
const maximumForwards = 8;
const rememberedRoutes = 4096;

export class Gossip {
  /** What went through here. */
  private readonly routed = new Set<string>();
  private stopped = false;

  constructor(
    private readonly bus: Bus,
    private readonly random: Random,
  ) {}

  send(nodeId: string, message: ConsensusMessage): void {
    if (!this.stopped) this.bus.send(nodeId, message);
  }

  /** To all neighbours. */
  publish(message: ConsensusMessage): void {
    for (const nodeId of this.bus.neighbours()) this.send(nodeId, message);
  }

  /** Passes news on to neighbours that may not have it. */
  forward(message: ConsensusMessage, ...have: readonly (string | undefined)[]): void {
    for (const nodeId of this.choose(maximumForwards, have)) this.send(nodeId, message);
  }

  /** To one node, through others if need be. */
  sendTowards(nodeId: string, message: ConsensusMessage, from?: string): void {
    if (nodeId !== from && this.bus.neighbours().includes(nodeId)) this.send(nodeId, message);
    else this.forward(message, from);
  }

  /** Whether nothing of that name went through here before. */
  isFirst(name: string): boolean {
    if (this.routed.has(name)) return false;
    this.routed.add(name);
    for (const oldest of this.routed) {
      if (this.routed.size <= rememberedRoutes) break;
      this.routed.delete(oldest);
    }
    return true;
  }

  /** Some neighbours, by chance. */
  choose(count: number, except: readonly (string | undefined)[] = []): string[] {
    const candidates = this.bus.neighbours().filter((nodeId) => !except.includes(nodeId));
    while (candidates.length > count) candidates.splice(Math.floor(this.random.next() * candidates.length), 1);
    return candidates;
  }

  stop(): void {
    this.stopped = true;
  }
}
