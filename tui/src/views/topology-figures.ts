/** The figures of the screen Topology. */
import type { Figure } from '../state/figure.js';
import type { DashboardState, FailedLinkState, LinkState, NodePresence } from '../state/state.js';
import { badgesOf, isThere, memoryOf, type ShareFigures, sharesByNode, totalKnown } from './shares.js';

export interface TopologyFigures {
  readonly nodes: readonly TopologyNodeFigures[];
  /** The fastest link from each node to each other one. */
  readonly links: readonly LinkState[];
  /** Paths that were tried in vain, with why. */
  readonly failedLinks: readonly FailedLinkState[];
  readonly leftOut: readonly { readonly nodeName: string; readonly device: string; readonly reason: string }[];
  readonly totals: {
    readonly nodesThere: number;
    readonly nodesMissing: number;
    readonly machines: number;
    readonly devices: number;
    readonly memoryTotalBytes: Figure;
    readonly memoryAvailableBytes: Figure;
  };
}

export interface TopologyNodeFigures {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly presence: NodePresence;
  readonly isLeader: boolean;
  /** Of devices that can be used. */
  readonly backends: readonly string[];
  readonly memoryTotalBytes: Figure;
  readonly memoryAvailableBytes: Figure;
  readonly shares: readonly ShareFigures[];
  readonly badges: readonly { readonly badge: string; readonly reason: string }[];
}

export function topologyFigures(state: DashboardState): TopologyFigures {
  const shares = sharesByNode(state.instances);
  const there = state.nodes.filter(isThere);
  const machines = new Set(there.map(({ machineId, nodeId }) => machineId ?? nodeId));
  // Nodes of one machine share its memory: it counts once.
  const perMachine = [...new Map(there.map((node) => [node.machineId ?? node.nodeId, memoryOf(node)])).values()];
  const reason = 'no node tells its memory';
  return {
    nodes: state.nodes.map((node): TopologyNodeFigures => {
      const { totalBytes, availableBytes } = memoryOf(node);
      const usable = node.devices.filter(({ unavailable }) => unavailable === undefined);
      return {
        nodeId: node.nodeId,
        nodeName: node.nodeName,
        presence: node.presence,
        isLeader: node.isLeader,
        backends: [...new Set(usable.map(({ backend }) => backend))],
        memoryTotalBytes: totalBytes,
        memoryAvailableBytes: availableBytes,
        shares: shares.get(node.nodeId) ?? [],
        badges: badgesOf(node).map(({ text, reason: why }) => ({ badge: text, reason: why })),
      };
    }),
    links: fastestLinks(state.links),
    failedLinks: state.failedLinks,
    leftOut: leftOut(state, shares),
    totals: {
      nodesThere: there.length,
      // Whoever was refused never was one of them.
      nodesMissing: state.nodes.filter((node) => !isThere(node) && node.presence !== 'refused').length,
      machines: machines.size,
      devices: there.reduce(
        (sum, { devices }) => sum + devices.filter((one) => one.unavailable === undefined).length,
        0,
      ),
      memoryTotalBytes: totalKnown(
        perMachine.map(({ totalBytes }) => totalBytes),
        reason,
      ),
      memoryAvailableBytes: totalKnown(
        perMachine.map(({ availableBytes }) => availableBytes),
        reason,
      ),
    },
  };
}

/** Links come every few seconds, and are looked at more often. */
const known = new WeakMap<readonly LinkState[], readonly LinkState[]>();

/** Of parallel links that with the least latency; of equal ones that with the most bandwidth. */
function fastestLinks(links: readonly LinkState[]): readonly LinkState[] {
  const before = known.get(links);
  if (before !== undefined) return before;
  const fastest = new Map<string, LinkState>();
  for (const link of links) {
    const ends = `${link.fromNodeId} ${link.toNodeId}`;
    const best = fastest.get(ends);
    if (best === undefined || isFaster(link, best)) fastest.set(ends, link);
  }
  const found = [...fastest.values()];
  known.set(links, found);
  return found;
}

function isFaster(one: LinkState, other: LinkState): boolean {
  const [latency, otherLatency] = [
    numberOr(one.latencyMicroseconds, Infinity),
    numberOr(other.latencyMicroseconds, Infinity),
  ];
  if (latency !== otherLatency) return latency < otherLatency;
  return numberOr(one.bandwidthBytesPerSecond, 0) > numberOr(other.bandwidthBytesPerSecond, 0);
}

const numberOr = (figure: Figure, otherwise: number): number => ('unknown' in figure ? otherwise : figure.value);

/** Who has no part, and why: what plans say of devices, and what nodes say of themselves. */
function leftOut(
  { instances, nodes }: DashboardState,
  shares: ReadonlyMap<string, readonly ShareFigures[]>,
): TopologyFigures['leftOut'] {
  const found = new Map<string, TopologyFigures['leftOut'][number]>();
  const add = (nodeName: string, device: string, reason: string) => {
    const key = `${nodeName} ${device}`;
    if (!found.has(key)) found.set(key, { nodeName, device, reason });
  };
  for (const node of nodes) {
    if (shares.has(node.nodeId)) continue;
    const badge = badgesOf(node).find(({ tone }) => tone === 'bad' || tone === 'warning');
    if (badge !== undefined) add(node.nodeName, '', `${badge.text}: ${badge.reason}`);
    for (const { unavailable, backend, deviceId } of node.devices) {
      if (unavailable !== undefined) add(node.nodeName, `${backend}/${deviceId}`, unavailable);
    }
  }
  for (const { plan, state } of instances) {
    if (state !== 'ready' && state !== 'loading') continue;
    for (const { nodeName, deviceId, reason } of plan.leftOut) add(nodeName, deviceId, reason);
  }
  return [...found.values()];
}
