/** Discovery finds peers. It never connects and never decides trust. */

export interface Sighting {
  readonly kind: 'seen';
  /** Peer id where the method knows it; a bare address is legal (static peers). */
  readonly peerId?: string;
  /** Multiaddresses of the control plane. */
  readonly addresses: readonly string[];
  /** Name of the discovery plugin, shown to people. */
  readonly seenBy: string;
}

export interface Loss {
  readonly kind: 'lost';
  readonly peerId?: string;
  readonly addresses: readonly string[];
  readonly seenBy: string;
}

export interface Announcement {
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** Hash of the cluster's key: tells clusters on one network apart without giving the key away. */
  readonly clusterTag: string;
}

export type DiscoveryAvailability =
  | { readonly available: true }
  | { readonly available: false; readonly reason: string; readonly remedy?: string };

export interface Discovery {
  /** Sightings and losses until the signal aborts; then the iterable ends without an error. */
  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss>;
  /** Makes this node findable until the signal aborts. Methods that cannot announce resolve at once. */
  announce(announcement: Announcement, signal: AbortSignal): Promise<void>;
  /** Whether the method works on this network, as far as it is known; absent: it always does. Never rejects. */
  availability?(): Promise<DiscoveryAvailability>;
}
