import type { Link, LinkKind, PlacementNode } from '@shoal/core';
import { device, mebibyte, node } from './llama-model.js';

export interface RandomCluster {
  readonly nodes: readonly PlacementNode[];
  readonly links: readonly Link[];
}

/**
 * Nodes of one device each, for a model of some megabytes: speeds and memories over more than a decade, links from the
 * same rack to another continent. `near`: how many of the links are fast enough for shared layers.
 */
export function randomCluster(random: () => number, count: number, near: number): RandomCluster {
  const between = (least: number, most: number): number => least * (most / least) ** random();
  const nodes = Array.from({ length: count }, (_, index) =>
    node(`n${index}`, device((40 + between(28, 45)) * mebibyte, { bandwidth: between(2e8, 2e10) })),
  );
  const links = nodes.flatMap((from, index) =>
    nodes.slice(index + 1).flatMap((to) => {
      const isNear = random() < near;
      const microseconds = isNear ? between(5, 200) : between(200, 20_000);
      const bytesPerSecond = between(1e7, 2e9);
      return [linkBetween(from, to, microseconds, bytesPerSecond), linkBetween(to, from, microseconds, bytesPerSecond)];
    }),
  );
  return { nodes, links };
}

export function linkBetween(
  from: PlacementNode,
  to: PlacementNode,
  microseconds: number,
  bytesPerSecond: number,
  kind: LinkKind = 'ethernet',
): Link {
  return {
    from: { nodeId: from.nodeId },
    to: { nodeId: to.nodeId },
    kind,
    latencyMicroseconds: { value: microseconds, source: 'measured' },
    bandwidthBytesPerSecond: { value: bytesPerSecond, source: 'measured' },
  };
}
