/** A leader's work: puts commands in order, each once. */

import { type Decision, type Decisions, findDecision, highest, type Session } from './decisions.js';
import { type Random, randomId } from './environment.js';
import type { Command } from './messages.js';

/** Commands may be repeated for as long as their origin waits; this many are told apart even when overwritten. */
const rememberedCommands = 1024;

export interface Decided {
  readonly decision: Decision;
  /** False for a command that was decided before. */
  readonly isNew: boolean;
}

export class Office {
  private readonly session: Session;
  private sequence = 0;
  private lastOrder = 0;
  private readonly ordered = new Map<string, Decision>();

  constructor(nodeId: string, term: number, random: Random) {
    this.session = { term, leader: nodeId, nonce: randomId(random) };
  }

  get term(): number {
    return this.session.term;
  }

  /**
   * The decision for a command: an old one where it was decided already. Undefined while something of a later term is
   * known: what this leader decides would not hold against it.
   */
  decide(command: Command, decisions: Decisions): Decided | undefined {
    const known = this.ordered.get(command.id) ?? findDecision(decisions, command.id, command.change);
    if (known) return { decision: known, isNew: false };
    const { term, order } = highest(decisions);
    if (term > this.term || decisions.forgottenTerm >= this.term) return undefined;
    this.sequence++;
    this.lastOrder = Math.max(this.lastOrder, order) + 1;
    const { session, sequence, lastOrder } = this;
    const decision: Decision = { id: command.id, session, sequence, order: lastOrder, change: command.change };
    this.ordered.set(command.id, decision);
    for (const id of this.ordered.keys()) {
      if (this.ordered.size <= rememberedCommands) break;
      this.ordered.delete(id);
    }
    return { decision, isNew: true };
  }
}
