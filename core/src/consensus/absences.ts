/** How long the nodes that are known have been gone. */
import type { Clock } from './environment.js';
import type { FactRecord, Facts } from './facts.js';

export class Absences {
  private readonly since = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly longestMilliseconds: number,
  ) {}

  /** Looks around; returns nodes that are gone for too long, each once per that time. */
  look(facts: Facts, isPresent: (nodeId: string) => boolean): FactRecord[] {
    const now = this.clock.now();
    for (const nodeId of this.since.keys()) if (!facts[nodeId]) this.since.delete(nodeId);
    return Object.values(facts).filter(({ nodeId }) => {
      if (isPresent(nodeId)) this.since.delete(nodeId);
      else if (!this.since.has(nodeId)) this.since.set(nodeId, now);
      const isOverdue = now - (this.since.get(nodeId) ?? now) >= this.longestMilliseconds;
      if (isOverdue) this.since.set(nodeId, now);
      return isOverdue;
    });
  }
}
