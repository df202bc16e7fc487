/** Discovery finds peers. It never connects and never decides trust. */

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

export type DiscoveryAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly remedy?: string };

/**
 * Host half; discovery has no worker half. What others announce is a stranger's data: what cannot be read is dropped,
 * never thrown. A node may see itself.
 */
export interface Discovery {
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
  /** Whether the method works on this network, as far as it is known; absent: it always does. Never rejects. */
  availability?(): Promise<DiscoveryAvailability>;
}
