/** How long nodes that are known, and instances that are paused, have been gone: what is gone for long is forgotten. */
import type { Change } from './changes.js';
import type { Clock } from './environment.js';
import { type ClusterState, pausedInstances } from './state.js';

export class Absences {
  private readonly since = new Map<string, number>();

  constructor(
    private readonly clock: Clock,
    private readonly longestMilliseconds: number,
  ) {}

  /** Looks around; returns what would forget what is gone for too long, each once per that time. */
  look(state: ClusterState, isPresent: (nodeId: string) => boolean): Change[] {
    const gone = new Map<string, Change>();
    for (const { nodeId, incarnation } of Object.values(state.facts)) {
      if (!isPresent(nodeId)) gone.set(`node ${nodeId}`, { kind: 'forget-node', nodeId, incarnation });
    }
    const paused = pausedInstances(state);
    if (paused.length > 0) {
      const known = new Set(
        Object.values(state.facts).flatMap(({ fact }) => fact.instances.map((one) => one.instance)),
      );
      for (const instance of paused) {
        if (!known.has(instance)) gone.set(`instance ${instance}`, { kind: 'resume-instance', instance });
      }
    }
    return this.overdue(gone);
  }

  private overdue(gone: ReadonlyMap<string, Change>): Change[] {
    const now = this.clock.now();
    for (const key of this.since.keys()) if (!gone.has(key)) this.since.delete(key);
    return [...gone].flatMap(([key, change]) => {
      const since = this.since.get(key) ?? now;
      const isOverdue = now - since >= this.longestMilliseconds;
      this.since.set(key, isOverdue ? now : since);
      return isOverdue ? [change] : [];
    });
  }
}
