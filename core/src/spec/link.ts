/** Links: measured paths between two interfaces, and what is known of a node's machine while it works. */
import type { Measured } from './backend.js';

/** What a path runs over, as far as the operating systems at its ends tell. */
export const linkKinds = [
  'shared-memory',
  'loopback',
  'nvlink',
  'nvswitch',
  'pcie',
  'thunderbolt',
  'ethernet',
  'wifi',
  'vpn',
  'unknown',
] as const;

export type LinkKind = (typeof linkKinds)[number];

/** One end of a link. */
export interface LinkEnd {
  readonly nodeId: string;
  /** Name of the network interface; absent inside one machine. */
  readonly interfaceName?: string;
  /** Address of that interface; with its zone (`%eth0`) where it is link-local. */
  readonly address?: string;
}

/** A directed path. The way back is a link of its own, for it may be slower. */
export interface Link {
  readonly from: LinkEnd;
  readonly to: LinkEnd;
  readonly kind: LinkKind;
  /** One way: half of the smallest of several round trips. */
  readonly latencyMicroseconds: Measured;
  readonly bandwidthBytesPerSecond: Measured;
  /** Milliseconds since 1970 at which it was last measured; absent: never. */
  readonly measuredAt?: number;
}
