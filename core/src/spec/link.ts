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
  /** Whether the link may carry more: it is long, and the time to measure was over before TCP had filled it. */
  readonly isBandwidthLowerBound?: boolean;
  /** Milliseconds since 1970 at which it was last measured; absent: never. */
  readonly measuredAt?: number;
}

/** A graphics processor or another accelerator, as the system lists it, whether or not a backend computes on it. */
export interface BusDevice {
  /** Its PCI address (`0000:65:00.0`), or what the system calls it where it has none. */
  readonly id: string;
  /** For people. */
  readonly name: string;
}

/** A path that is the same in both directions. */
export interface DevicePath {
  /** A `BusDevice`; absent: the processor and its memory. */
  readonly from?: string;
  readonly to: string;
  readonly kind: LinkKind;
  /** What it leads over, for people: `18 links`, `16 lanes of 16 GT/s, one switch`. */
  readonly over: string;
  /** One way, as the hardware could at best. */
  readonly bandwidthBytesPerSecond: Measured;
}

export interface DevicePaths {
  readonly devices: readonly BusDevice[];
  readonly paths: readonly DevicePath[];
  /** What could not be found out, and why. */
  readonly unknown: readonly string[];
}
