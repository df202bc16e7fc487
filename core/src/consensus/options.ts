/** What a node's part in agreement is made with, and what it tells. */
import type { DecisionStore } from './decision-keeper.js';
import type { DecisionLimits, Decisions } from './decisions.js';
import type { Bus, Clock, Random } from './environment.js';
import type { NodeFact } from './facts.js';
import type { Candidacy } from './messages.js';
import type { apply, ClusterState, merge } from './state.js';

/** The pure rules that it goes by; tests break them one by one to see that the simulator notices. */
export interface ConsensusRules {
  readonly compare: (left: Candidacy, right: Candidacy) => number;
  readonly apply: typeof apply;
  readonly merge: typeof merge;
}

export interface ConsensusOptions {
  readonly nodeId: string;
  /** Higher than in every earlier life; where it is not, the node notices and counts on. */
  readonly incarnation: number;
  readonly fact: NodeFact;
  /** Whether it may be elected while others stand. */
  readonly stands: boolean;
  readonly clock: Clock;
  readonly random: Random;
  readonly bus: Bus;
  readonly observer: ConsensusObserver;
  readonly rules?: Partial<ConsensusRules> | undefined;
  readonly limits?: DecisionLimits | undefined;
  /** After how long a leader has a node that is gone forgotten. */
  readonly forgetAfterMilliseconds?: number | undefined;
  /** What an earlier life of the node has kept of what was decided. */
  readonly decisions?: Decisions | undefined;
  /** Where decisions are kept for the node's next life; absent: they live as long as one node that knows them. */
  readonly store?: DecisionStore | undefined;
}

export interface ConsensusObserver {
  /** The leader may be this node; told at the start, too. */
  leaderChanged(leader: Leader): void;
  stateChanged(state: ClusterState, before: ClusterState): void;
}

export interface Leader {
  readonly nodeId: string;
  readonly term: number;
  readonly seniority: number;
}
