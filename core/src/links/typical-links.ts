/** What links of each kind are like where nothing was measured: rounded figures of common hardware. */
import type { LinkKind } from '../spec/link.js';

export interface TypicalLink {
  /** One way, over the protocols that members use. */
  readonly microseconds: number;
  readonly bytesPerSecond: number;
}

/** Thunderbolt as a network, gigabit Ethernet, Wi-Fi in the same room, a VPN across the internet. */
export const typicalLinks: Readonly<Record<LinkKind, TypicalLink>> = {
  'shared-memory': { microseconds: 15, bytesPerSecond: 4e9 },
  loopback: { microseconds: 25, bytesPerSecond: 2.5e9 },
  nvlink: { microseconds: 10, bytesPerSecond: 50e9 },
  nvswitch: { microseconds: 10, bytesPerSecond: 50e9 },
  pcie: { microseconds: 15, bytesPerSecond: 10e9 },
  thunderbolt: { microseconds: 150, bytesPerSecond: 2e9 },
  ethernet: { microseconds: 150, bytesPerSecond: 117e6 },
  wifi: { microseconds: 2000, bytesPerSecond: 20e6 },
  vpn: { microseconds: 15_000, bytesPerSecond: 5e6 },
  unknown: { microseconds: 250, bytesPerSecond: 100e6 },
};

/** The message by which parallel links are compared: what one token is between two stages of a large model. */
export const referenceMessageBytes = 16 * 1024;
