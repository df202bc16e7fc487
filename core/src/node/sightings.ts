import type { Loss, Sighting } from '../spec/discovery.js';

/**
 * Whether a sighting can be used: what others announce is a stranger's data, and a plugin may hand it on as it came.
 * Peers of other clusters are passed over where the method tells them apart.
 */
export function isOwnSighting(sighting: Sighting | Loss, clusterTag: string): boolean {
  const { kind, addresses, peerId } = sighting as Partial<Sighting | Loss>;
  const isReadable =
    (kind === 'seen' || kind === 'lost') &&
    Array.isArray(addresses) &&
    addresses.every((address) => typeof address === 'string') &&
    (peerId === undefined || typeof peerId === 'string');
  if (!isReadable) return false;
  return sighting.kind === 'lost' || sighting.clusterTag === undefined || sighting.clusterTag === clusterTag;
}
