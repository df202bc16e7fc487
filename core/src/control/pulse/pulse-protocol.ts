/** What a node and its pulse thread say to each other. */
import type { PulseChannel } from './pulse-packet.js';
import type { PulseState } from './pulse-track.js';

export interface PulseThreadOptions {
  /** Addresses to listen on; empty: only peers that this node has dialed can be pulsed with. */
  readonly listen: readonly PulseAddress[];
  /** One 32-bit counter that the node's event loop makes grow while it turns. */
  readonly beat: SharedArrayBuffer;
  readonly beatIntervalMilliseconds: number;
}

export interface PulseAddress {
  readonly host: string;
  readonly port: number;
}

export type PulseOrder =
  | {
      readonly kind: 'watch';
      readonly nodeId: string;
      readonly outgoing: PulseChannel;
      readonly incoming: PulseChannel;
      /** Where the peer listens for pulses, as far as it is known; else it is answered where it pulses from. */
      readonly address: PulseAddress | undefined;
    }
  /** The peer is lost; it is worth knowing when it comes back. */
  | { readonly kind: 'await-return'; readonly nodeId: string }
  | { readonly kind: 'forget'; readonly nodeId: string };

export type PulseNews =
  /** The port that all sockets have; absent when none listens. */
  | { readonly kind: 'ready'; readonly port?: number; readonly problems: readonly string[] }
  | {
      readonly kind: 'changed';
      readonly nodeId: string;
      readonly state: PulseState;
      readonly isLoopStalled: boolean;
      readonly silenceMilliseconds: number;
    }
  /** A lost peer is heard again. */
  | { readonly kind: 'returned'; readonly nodeId: string };
