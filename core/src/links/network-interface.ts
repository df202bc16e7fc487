/** Network interfaces of this machine, as the operating system describes them. */
import type { Measured } from '../spec/backend.js';

/** What an interface is, as far as the system tells. */
export const interfaceKinds = [
  'loopback',
  'ethernet',
  'wifi',
  'thunderbolt',
  'vpn',
  /** Ethernet ports joined in software. */
  'bridge',
  /** Software at both ends: containers' and virtual machines' interfaces. */
  'virtual',
  'unknown',
] as const;

export type InterfaceKind = (typeof interfaceKinds)[number];

export interface InterfaceAddress {
  /** Without a zone. */
  readonly address: string;
  readonly family: 'ipv4' | 'ipv6';
  readonly prefixLength: number;
  /** Whether it is good on this interface's own wire only: 169.254.0.0/16 and fe80::/10. */
  readonly isLinkLocal: boolean;
  /** Number of the interface, by which the system tells equal link-local addresses apart (IPv6). */
  readonly scopeId?: number;
}

export interface NetworkInterface {
  readonly name: string;
  readonly kind: InterfaceKind;
  /** What the kind follows from, for people. */
  readonly kindFrom: string;
  readonly bandwidthBytesPerSecond: Measured;
  readonly addresses: readonly InterfaceAddress[];
}

/** What a reader of one operating system finds out about an interface. */
export interface InterfaceFacts {
  readonly kind: InterfaceKind;
  readonly kindFrom: string;
  readonly bandwidthBytesPerSecond: Measured;
}

/** Facts by interface name. Never rejects: what cannot be read is a value with a reason. */
export type InterfaceReader = (names: readonly string[]) => Promise<ReadonlyMap<string, InterfaceFacts>>;

export const megabitsPerSecond = (
  value: number,
  source: 'driver' | 'operating-system' = 'operating-system',
): Measured => ({
  value: value * 125_000,
  source,
});

export const unknownBandwidth = (reason: string): Measured => ({ unknown: reason });
