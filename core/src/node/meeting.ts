/** How a node comes to know others: configuration, discovery plugins, and the peers of its peers. */
import { parseAddress } from '../control/addresses.js';
import { parseDocument } from '../control/messages.js';
import type { Peer, Peers } from '../control/peers.js';
import type { PluginSet } from '../runtime/plugin-set.js';
import type { Announcement, HostService } from '../spec/discovery.js';
import { ShoalError } from '../spec/errors.js';
import type { NodeSummary } from './facts.js';
import type { NodeLog } from './log.js';
import { isOwnSighting } from './sightings.js';

/** The first round of dialing; those that come later join later. */
const settleDeadlineMilliseconds = 6000;
const peerListDeadlineMilliseconds = 3000;
/** Most nodes that one peer can tell of. */
const maximumIntroductions = 1000;

export class Meeting {
  /** Questions to new peers about their peers that are not answered yet. */
  private readonly introductions = new Set<Promise<void>>();

  constructor(private readonly log: NodeLog) {}

  /** A new peer knows others: with a few addresses given, everybody meets everybody. */
  introduce(peers: Peers, peer: Peer): void {
    const asking = peer.connection
      .call('listNodes', {}, { deadlineMilliseconds: peerListDeadlineMilliseconds })
      .then(({ nodesJson }) => {
        const nodes = parseDocument<NodeSummary[]>(nodesJson, `the node list of ${peer.nodeName}`);
        for (const { nodeId, addresses, state } of nodes.slice(0, maximumIntroductions)) {
          if (state !== 'connected' && state !== 'stalled') continue;
          if (typeof nodeId !== 'string' || !Array.isArray(addresses) || peers.get(nodeId)) continue;
          const told = {
            kind: 'seen',
            peerId: nodeId,
            addresses: addresses.map(String),
            seenBy: peer.nodeName,
          } as const;
          peers.sighted(told, 'hearsay');
        }
      })
      // A peer that does not say whom it knows is a peer all the same.
      .catch(() => undefined)
      .finally(() => this.introductions.delete(asking));
    this.introductions.add(asking);
  }

  /** Addresses of nodes to join, as the configuration has them. */
  configure(peers: Peers, addresses: readonly string[]): void {
    for (const address of addresses.map(parseAddress)) {
      const peerId = /\/p2p\/([^/]+)/.exec(address)?.[1];
      const sighting = { kind: 'seen', addresses: [address], seenBy: 'configuration' } as const;
      peers.sighted({ ...sighting, ...(peerId === undefined ? {} : { peerId }) }, 'configured');
    }
  }

  /** Protocols that ways of finding peers speak over the node's own connections. One that fails is missing, no more. */
  async hostServices(plugins: PluginSet): Promise<Record<string, HostService>> {
    const services: Record<string, HostService> = {};
    for (const { name, host: discovery } of plugins.of('discovery')) {
      const failed = (thrown: unknown) => this.log.write('warn', 'discovery', `${name} failed: ${String(thrown)}`);
      const service = await Promise.resolve()
        .then(() => discovery.hostService?.())
        .catch(failed);
      if (!service) continue;
      services[`discovery-${name}`] = (components) => {
        try {
          return service(components);
        } catch (thrown) {
          failed(thrown);
          return {};
        }
      };
    }
    return services;
  }

  /** Starts every discovery plugin; they end with the signal. */
  discover(peers: Peers, plugins: PluginSet, announcement: Announcement, signal: AbortSignal): void {
    for (const { name, host: discovery } of plugins.of('discovery')) {
      const failed = (thrown: unknown) => {
        if (!signal.aborted) this.log.write('warn', 'discovery', `${name} failed: ${String(thrown)}`);
      };
      const watch = async () => {
        for await (const sighting of discovery.watch(signal)) {
          if (isOwnSighting(sighting, announcement.clusterTag)) peers.sighted(sighting);
          else this.log.write('debug', 'discovery', `${name}: a sighting was passed over`, { sighting });
        }
      };
      void watch().catch(failed);
      void discovery.announce(announcement, signal).catch(failed);
    }
  }

  /** Waits for the peers that are known at the start, and for those that they know. */
  async settle(peers: Peers, outer?: AbortSignal): Promise<void> {
    const deadline = AbortSignal.timeout(settleDeadlineMilliseconds);
    const signal = outer ? AbortSignal.any([outer, deadline]) : deadline;
    // Discovery by configuration speaks up in the first turns of the event loop.
    await new Promise((resolve) => setTimeout(resolve, 5));
    try {
      do {
        await peers.settled({ signal });
        await Promise.all(this.introductions);
      } while (this.introductions.size > 0);
      await peers.settled({ signal });
    } catch (thrown) {
      if (!deadline.aborted) throw ShoalError.from(thrown, 'ABORTED');
      // Some peer is slow to refuse; it may still join later.
    }
    outer?.throwIfAborted();
  }
}
