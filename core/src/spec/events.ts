import type { Plan } from './plan.js';

/** What observers of a node hear; noun-verb names. */
export type ClusterEvent =
  | { readonly kind: 'node-joined'; readonly nodeId: string; readonly nodeName: string }
  /** It said goodbye. */
  | { readonly kind: 'node-left'; readonly nodeId: string; readonly nodeName: string }
  /** It died, or nothing reaches it any more. */
  | {
      readonly kind: 'node-lost';
      readonly nodeId: string;
      readonly nodeName: string;
      readonly code: string;
      readonly reason: string;
    }
  /** Somebody is said to be there and does not answer. */
  | {
      readonly kind: 'node-unreachable';
      readonly addresses: readonly string[];
      readonly code: string;
      readonly message: string;
    }
  /** This node was told to leave: it closes, and with it what was made of it. */
  | { readonly kind: 'node-leaving'; readonly nodeId: string; readonly nodeName: string }
  /** Another node leads from now on. */
  | { readonly kind: 'leader-changed'; readonly nodeId: string; readonly nodeName: string; readonly term: number }
  /** Nodes said something new of themselves (their instances, their names), or something was decided. */
  | {
      readonly kind: 'state-changed';
      readonly nodeIds: readonly string[];
      readonly changes: readonly { readonly kind: string }[];
    }
  | { readonly kind: 'node-refused'; readonly address: string; readonly code: string; readonly message: string }
  | {
      readonly kind: 'load-progressed';
      readonly instance: string;
      readonly nodeId: string;
      readonly loadedBytes: number;
      readonly totalBytes: number;
    }
  | { readonly kind: 'instance-loaded'; readonly instance: string; readonly plan: Plan }
  | {
      readonly kind: 'instance-failed';
      readonly instance: string;
      readonly code: string;
      readonly message: string;
      readonly nodeId?: string;
    }
  | { readonly kind: 'instance-unloaded'; readonly instance: string }
  /** Requests to `instance` go to `successor` from now on. */
  | {
      readonly kind: 'instance-moved';
      readonly instance: string;
      readonly successor: string;
      readonly reason: string;
    };
