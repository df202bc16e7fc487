/** What nodes tell each other to agree; the wire form is in core/proto. */
import type { Change } from './changes.js';
import type { Decision } from './decisions.js';
import type { FactRecord } from './facts.js';
import type { Snapshot } from './state.js';

/** A node's standing in one campaign. It does not change while the clock does not. */
export interface Candidacy {
  /** Counts campaigns. */
  readonly clock: number;
  /** How large a cluster the node has led; −1: it does not stand. */
  readonly seniority: number;
  /** Decisions the node knows. */
  readonly commandCount: number;
  readonly nodeId: string;
  /** Tells the node's lives apart. */
  readonly life: string;
}

/** Something to decide, on its way to the leader. */
export interface Command {
  readonly id: string;
  /** The node that was asked. */
  readonly origin: string;
  readonly change: Change;
}

/** How much of a node is known: what it said, and that it lives. */
export interface DigestEntry {
  readonly nodeId: string;
  readonly incarnation: number;
  /** 0: nothing that it said. */
  readonly version: number;
  /** Grows while the node lives. */
  readonly beat: number;
}

export interface Digest {
  readonly entries: readonly DigestEntry[];
  readonly decisions: string;
  /** The best candidacy that is known. */
  readonly candidacy: Candidacy;
  /**
   * Whether it wants a digest in return: never, for it is one, or where something differs, or always, because some nodes
   * are heard of through the neighbour only.
   */
  readonly reply: 'never' | 'if-different' | 'always';
}

export type ConsensusMessage =
  | { readonly kind: 'candidacy'; readonly candidacy: Candidacy }
  | { readonly kind: 'fact'; readonly record: FactRecord }
  | { readonly kind: 'decision'; readonly decision: Decision }
  /** Tried again until it is decided: each attempt finds its own way. */
  | { readonly kind: 'command'; readonly command: Command; readonly attempt: number }
  /** The leader's no. */
  | {
      readonly kind: 'rejection';
      readonly command: string;
      readonly origin: string;
      readonly attempt: number;
      readonly code: string;
      readonly message: string;
    }
  /** To the leader: another node holds the decision, so that it outlives the leader. */
  | { readonly kind: 'acknowledgement'; readonly decision: string }
  | { readonly kind: 'digest'; readonly digest: Digest }
  | { readonly kind: 'snapshot'; readonly snapshot: Snapshot };
