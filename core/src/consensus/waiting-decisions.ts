/** Decisions that came before an earlier one of their session, until the gap is closed. */
import { type Decision, type Decisions, hasSeen, isNext, sessionKey } from './decisions.js';

const maximumWaiting = 512;

export class WaitingDecisions {
  private readonly waiting = new Map<string, Decision>();

  has(decision: Decision): boolean {
    return this.waiting.has(keyOf(decision));
  }

  add(decision: Decision): void {
    // So large a gap is closed by a snapshot, with what comes after it.
    if (this.waiting.size >= maximumWaiting) this.waiting.clear();
    this.waiting.set(keyOf(decision), decision);
  }

  /** One that leaves no gap any more; it waits no longer. */
  take(decisions: Decisions): Decision | undefined {
    for (const [key, decision] of this.waiting) {
      const isPassed = hasSeen(decisions, decision);
      if (!isPassed && !isNext(decisions, decision)) continue;
      this.waiting.delete(key);
      if (!isPassed) return decision;
    }
    return undefined;
  }
}

function keyOf({ session, sequence }: Decision): string {
  return `${sessionKey(session)} ${sequence}`;
}
