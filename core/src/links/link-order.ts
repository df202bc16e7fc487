/** Which of several links between two nodes is the fastest. Pure. */
import type { Link } from '../spec/link.js';
import { referenceMessageBytes, typicalLinks } from './typical-links.js';

/** How long a message takes, measured as far as possible. */
export function transferMicroseconds(link: Link, byteCount = referenceMessageBytes): number {
  const { microseconds, bytesPerSecond } = typicalLinks[link.kind];
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
  const rank = ({ kind }: Link): number => {
    const { microseconds, bytesPerSecond } = typicalLinks[kind];
    return microseconds + (referenceMessageBytes / bytesPerSecond) * 1e6;
  };
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
