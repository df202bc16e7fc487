/** Which of several links between two nodes is the fastest. Pure. */
import type { Link, LinkKind } from '../spec/link.js';

/**
 * Latency and bandwidth of each kind where nothing was measured, for choosing between links only: rounded figures of
 * common hardware (10 Gbit/s Thunderbolt networking, gigabit Ethernet, 802.11ac in the same room).
 */
const ordinary: Readonly<Record<LinkKind, { readonly microseconds: number; readonly bytesPerSecond: number }>> = {
  'shared-memory': { microseconds: 1, bytesPerSecond: 1e10 },
  nvlink: { microseconds: 2, bytesPerSecond: 5e10 },
  nvswitch: { microseconds: 2, bytesPerSecond: 5e10 },
  pcie: { microseconds: 5, bytesPerSecond: 1.2e10 },
  loopback: { microseconds: 10, bytesPerSecond: 2e9 },
  thunderbolt: { microseconds: 100, bytesPerSecond: 1.2e9 },
  ethernet: { microseconds: 150, bytesPerSecond: 1.1e8 },
  wifi: { microseconds: 2000, bytesPerSecond: 4e7 },
  vpn: { microseconds: 3000, bytesPerSecond: 3e7 },
  unknown: { microseconds: 3000, bytesPerSecond: 3e7 },
};

/** What one token is between two stages of a large model; placement compares parallel links by the same. */
const referenceBytes = 16 * 1024;

/** How long a message takes, measured as far as possible. */
export function transferMicroseconds(link: Link, byteCount = referenceBytes): number {
  const { microseconds, bytesPerSecond } = ordinary[link.kind];
  const latency = 'value' in link.latencyMicroseconds ? link.latencyMicroseconds.value : microseconds;
  const bandwidth = 'value' in link.bandwidthBytesPerSecond ? link.bandwidthBytesPerSecond.value : bytesPerSecond;
  return latency + (byteCount / bandwidth) * 1e6;
}

/** Differences within this are noise, so that the kind decides. */
const noise = 0.1;

/** Fastest first; where measurements hardly differ, the better kind. Measured links come before unmeasured ones. */
export function fastestFirst(links: readonly Link[]): Link[] {
  const isMeasured = (link: Link) => ('value' in link.latencyMicroseconds ? 0 : 1);
  const level = (link: Link) => Math.round(Math.log(transferMicroseconds(link)) / Math.log(1 + noise));
  const rank = ({ kind }: Link) => ordinary[kind].microseconds + (referenceBytes / ordinary[kind].bytesPerSecond) * 1e6;
  return [...links].sort(
    (left, right) =>
      isMeasured(left) - isMeasured(right) ||
      level(left) - level(right) ||
      rank(left) - rank(right) ||
      transferMicroseconds(left) - transferMicroseconds(right),
  );
}

/** Links from one node to another, fastest first. */
export function linksBetween(links: readonly Link[], fromNodeId: string, toNodeId: string): Link[] {
  return fastestFirst(links.filter(({ from, to }) => from.nodeId === fromNodeId && to.nodeId === toNodeId));
}
