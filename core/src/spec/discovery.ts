/** Discovery finds peers. It never decides trust, and leaves connecting to the control plane. */
import type { ComponentLogger, Libp2pEvents, PeerId, PeerStore, PrivateKey } from '@libp2p/interface';
import type { AddressManager, ConnectionManager, Registrar } from '@libp2p/interface-internal';
import type { Ping } from '@libp2p/ping';
import type { Datastore } from 'interface-datastore';
import type { TypedEventTarget } from 'main-event';

export interface Sighting {
  readonly kind: 'seen';
  /** Peer id where the method knows it; a bare address is legal (static peers). */
  readonly peerId?: string;
  /** Multiaddresses of the control plane, best first. */
  readonly addresses: readonly string[];
  /** Tag of the peer's cluster where the method carries it: sightings of other clusters are passed over. */
  readonly clusterTag?: string;
  /** Name of the discovery plugin, shown to people. */
  readonly seenBy: string;
}

/** The method knows that a peer has gone. Not all methods do; a node that dies is noticed by its connections anyway. */
export interface Loss {
  readonly kind: 'lost';
  readonly peerId?: string;
  readonly addresses: readonly string[];
  readonly seenBy: string;
}

export interface Announcement {
  readonly peerId: string;
  /** Multiaddresses of this node's control plane; empty for a node that only connects to others. */
  readonly addresses: readonly string[];
  /** Hash of the cluster's key: tells clusters on one network apart without giving the key away. */
  readonly clusterTag: string;
}

/** Something that does not work, and how to mend it. */
export interface DiscoveryFault {
  readonly reason: string;
  readonly remedy?: string;
}

export type DiscoveryAvailability =
  | {
      readonly available: true;
      /** What was found out, for people. */
      readonly detail?: string;
      /** Where it works in part only: a network interface that lets nothing through, beside one that does. */
      readonly faults?: readonly DiscoveryFault[];
    }
  | ({ readonly available: false } & DiscoveryFault);

/**
 * What a service of a node's libp2p host may use: libp2p's components by its own names and types. The host's connections
 * are with members of the cluster alone: who has another key is refused before a service hears of it.
 */
export interface HostComponents {
  readonly peerId: PeerId;
  readonly privateKey: PrivateKey;
  readonly registrar: Registrar;
  readonly addressManager: AddressManager;
  readonly connectionManager: ConnectionManager;
  readonly peerStore: PeerStore;
  readonly datastore: Datastore;
  readonly events: TypedEventTarget<Libp2pEvents>;
  readonly logger: ComponentLogger;
  readonly ping: Ping;
}

/** Makes the service when the host is made. What it gives is started and stopped with the host if it has `start` and `stop`. */
export type HostService = (components: HostComponents) => object;

/**
 * Host half; discovery has no worker half. What others announce is a stranger's data: what cannot be read is dropped,
 * never thrown. A node may see itself.
 */
export interface Discovery {
  /**
   * A protocol of its own between members, spoken over the connections of the node's control plane: for methods that ask
   * other members. Called once, before the node listens and before `watch` and `announce`. Where the control plane is not
   * libp2p's, it is not called, and the method sees nobody. A rejection ends this way of finding peers and is logged.
   */
  hostService?(): Promise<HostService>;
  /**
   * Sightings and losses until the signal aborts; then the iterable ends without an error. Called once, when the node's
   * control plane listens. Peers that were there before are seen, too. A peer may be seen again, for example with other
   * addresses. An error ends this way of finding peers, is logged, and leaves the node running.
   */
  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss>;
  /**
   * Makes this node findable until the signal aborts, then takes the announcement back. Called once, at the same time as
   * `watch`. Resolves when the node can be found; methods that cannot announce resolve at once.
   */
  announce(announcement: Announcement, signal: AbortSignal): Promise<void>;
  /**
   * Whether the method works on this network, tried for real where that can be tried: a node need not run. Absent: it
   * always works. Takes seconds at most, and never rejects.
   */
  availability?(): Promise<DiscoveryAvailability>;
}
