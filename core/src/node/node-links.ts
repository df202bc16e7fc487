/** The links of the cluster, as this node and its peers measure them. */
import { messages, parseDocument } from '../control/messages.js';
import type { Peers } from '../control/peers.js';
import type { Interfaces } from '../links/interfaces.js';
import { LinkMonitor } from '../links/link-monitor.js';
import { checkedReport, type LinkReport } from '../links/link-report.js';
import type { NetworkInterface } from '../links/network-interface.js';
import { probe } from '../links/probe.js';
import { probeKey } from '../links/probe-protocol.js';
import { ProbeResponder } from '../links/probe-responder.js';
import { ShoalError } from '../spec/errors.js';
import type { Link } from '../spec/link.js';
import { probeAddresses } from './data-address.js';

export type LinkMeasure = 'nothing' | 'latency' | 'latency-and-bandwidth';

const measureNumbers: Readonly<Record<LinkMeasure, messages.LinksRequest.Measure>> = {
  nothing: messages.LinksRequest.Measure.NOTHING,
  latency: messages.LinksRequest.Measure.LATENCY,
  'latency-and-bandwidth': messages.LinksRequest.Measure.LATENCY_AND_BANDWIDTH,
};

/** Longest measurement that a peer can ask for. */
const maximumDeadlineMilliseconds = 10_000;
/** For what a report needs beyond measuring. */
const reportMilliseconds = 700;
/** For a report without measuring: a node may be busy. */
const knownMilliseconds = 5000;
/** Before a placement. Latency first: bursts of other nodes would be in its way. */
const latencyMilliseconds = 600;
const bandwidthMilliseconds = 800;
/** TCP needs so many round trips to meet somebody and to fill a long path; no placement waits longer than this for one. */
const bandwidthRoundTrips = 32;
const maximumBandwidthMilliseconds = 4000;

export interface NodeLinksOptions {
  readonly self: { readonly nodeId: string; readonly nodeName: string; readonly machineId: string };
  readonly clusterKey: Uint8Array;
  readonly peers: Peers;
  readonly interfaces: Interfaces;
  /** Whether a model is loaded here. */
  readonly isServing: () => boolean;
  readonly dataAddresses: (interfaces: readonly NetworkInterface[]) => readonly string[];
}

/** As long as the longest link whose bandwidth nobody knows needs. */
function millisecondsForBandwidth(reports: readonly LinkReport[]): number {
  const unmeasured = reports.flatMap(({ links }) =>
    links.filter(({ bandwidthBytesPerSecond: bandwidth }) => {
      return !('value' in bandwidth) || bandwidth.source !== 'measured';
    }),
  );
  const roundTrips = unmeasured.flatMap(({ latencyMicroseconds: latency }) =>
    'value' in latency ? [(2 * latency.value) / 1000] : [],
  );
  return bandwidthMillisecondsFor(Math.max(0, ...roundTrips));
}

/** For bursts over a path with this round trip. */
export function bandwidthMillisecondsFor(roundTripMilliseconds: number): number {
  const wanted = Math.ceil(roundTripMilliseconds * bandwidthRoundTrips);
  return Math.min(maximumBandwidthMilliseconds, Math.max(bandwidthMilliseconds, wanted));
}

/** What every node reported; those that did not answer in time, with the reason. */
export interface ClusterLinks {
  readonly reports: readonly LinkReport[];
  readonly silent: readonly { readonly nodeId: string; readonly nodeName: string; readonly reason: string }[];
}

export class NodeLinks {
  private readonly interfaces: Interfaces;
  private readonly monitor: LinkMonitor;

  constructor(private readonly options: NodeLinksOptions) {
    const { self, clusterKey, peers, interfaces, isServing, dataAddresses } = options;
    this.interfaces = interfaces;
    const key = probeKey(clusterKey);
    this.monitor = new LinkMonitor({
      self,
      key,
      interfaces,
      responder: new ProbeResponder({ key, nodeId: self.nodeId }),
      probe,
      probeAddresses: (interfaces) => probeAddresses(dataAddresses(interfaces)),
      isServing,
      peers: () =>
        peers.list().map(({ nodeId }) => ({
          nodeId,
          offer: async (signal) => (await this.ask(nodeId, 'nothing', 0, signal)).offer,
        })),
    });
  }

  start(): Promise<void> {
    return this.monitor.start();
  }

  stop(): void {
    this.monitor.stop();
  }

  joined(): void {
    this.monitor.joined();
  }

  left(nodeId: string): void {
    this.monitor.left(nodeId);
  }

  /** Where workers of this node listen now, best first. */
  async dataAddresses(): Promise<readonly string[]> {
    return this.options.dataAddresses(await this.interfaces.read());
  }

  /** What this node measured; anew, within the deadline, where that is asked for. */
  async report(measure: LinkMeasure, deadlineMilliseconds: number, signal?: AbortSignal): Promise<LinkReport> {
    if (measure !== 'nothing') {
      const deadline = Math.min(deadlineMilliseconds, maximumDeadlineMilliseconds);
      const withBandwidth = measure === 'latency-and-bandwidth';
      await this.monitor.refresh({ deadlineMilliseconds: deadline, withBandwidth, signal });
    }
    return this.monitor.report();
  }

  /** Measures everything that is not fresh, all nodes at the same time; takes about a second, longer where links are long. */
  async fresh(signal?: AbortSignal): Promise<ClusterLinks> {
    if (this.options.peers.list().length === 0) return this.known(signal);
    const { reports } = await this.everywhere('latency', latencyMilliseconds, signal);
    return this.everywhere('latency-and-bandwidth', millisecondsForBandwidth(reports), signal);
  }

  /** What all nodes know without measuring. */
  known(signal?: AbortSignal): Promise<ClusterLinks> {
    return this.everywhere('nothing', 0, signal);
  }

  private async everywhere(
    measure: LinkMeasure,
    deadlineMilliseconds: number,
    signal: AbortSignal | undefined,
  ): Promise<ClusterLinks> {
    const silent: { nodeId: string; nodeName: string; reason: string }[] = [];
    const others = this.options.peers.list().map(async ({ nodeId, nodeName }) => {
      try {
        return await this.ask(nodeId, measure, deadlineMilliseconds, signal);
      } catch (thrown) {
        signal?.throwIfAborted();
        silent.push({ nodeId, nodeName, reason: ShoalError.from(thrown).message });
        return undefined;
      }
    });
    const reports = await Promise.all([this.report(measure, deadlineMilliseconds, signal), ...others]);
    return { reports: reports.filter((report) => report !== undefined), silent };
  }

  private async ask(
    nodeId: string,
    measure: LinkMeasure,
    deadlineMilliseconds: number,
    signal: AbortSignal | undefined,
  ): Promise<LinkReport> {
    const { reportJson } = await this.options.peers.connectionTo(nodeId).call(
      'links',
      { measure: measureNumbers[measure], deadlineMilliseconds },
      {
        signal,
        deadlineMilliseconds: measure === 'nothing' ? knownMilliseconds : deadlineMilliseconds + reportMilliseconds,
      },
    );
    return checkedReport(parseDocument<LinkReport>(reportJson, `the links of node ${nodeId}`), nodeId);
  }
}

/**
 * The links as placement takes them. Of two nodes about which nothing is known, neither a link nor a path that failed, it
 * is only known that they are connected; without a link they would count as apart.
 */
export function linksForPlacement({ reports }: ClusterLinks, nodeIds: readonly string[]): readonly Link[] {
  const links = reports.flatMap((report) => report.links);
  const ways = [...links, ...reports.flatMap(({ failures }) => failures)];
  const known = new Set(ways.map(({ from, to }) => `${from.nodeId} ${to.nodeId}`));
  const unknown = { unknown: 'not measured yet' };
  const others = nodeIds.flatMap((from) =>
    nodeIds
      .filter((to) => from !== to && !known.has(`${from} ${to}`))
      .map(
        (to): Link => ({
          from: { nodeId: from },
          to: { nodeId: to },
          kind: 'unknown',
          latencyMicroseconds: unknown,
          bandwidthBytesPerSecond: unknown,
        }),
      ),
  );
  return [...links, ...others];
}

export function measureFromMessage(measure: messages.LinksRequest.Measure | null | undefined): LinkMeasure {
  if (measure === messages.LinksRequest.Measure.LATENCY) return 'latency';
  if (measure === messages.LinksRequest.Measure.LATENCY_AND_BANDWIDTH) return 'latency-and-bandwidth';
  return 'nothing';
}
