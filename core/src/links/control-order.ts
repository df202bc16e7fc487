/**
 * Over which of a peer's addresses control messages go: the network that is always there, not the fastest one, whose
 * cables come and go. Pure.
 */
import { isInSameNetwork, isLinkLocal, isLoopback } from './ip-address.js';
import type { InterfaceKind, NetworkInterface } from './network-interface.js';

const order: readonly InterfaceKind[] = ['ethernet', 'bridge', 'virtual', 'wifi', 'unknown', 'vpn', 'thunderbolt'];

/**
 * Lower is dialled first. An address of another network, which leads through a router, is as good as an unknown one;
 * link-local addresses come after those that somebody gave, and loopback last: it is this machine's own, whoever says it.
 */
export function controlRank(interfaces: readonly NetworkInterface[], multiaddress: string): number {
  const host = /^\/ip[46]\/([^/]+)/.exec(multiaddress)?.[1];
  const unknown = order.indexOf('unknown');
  if (host === undefined) return unknown;
  if (isLoopback(host)) return 3 * order.length;
  const found = interfaces.filter(
    ({ kind, addresses }) =>
      kind !== 'loopback' && addresses.some((own) => isInSameNetwork(own.address, host, own.prefixLength)),
  );
  const ranks = found.map(({ kind }) => order.indexOf(kind));
  const rank = ranks.length > 0 ? Math.min(...ranks) : unknown;
  return isLinkLocal(host) ? order.length + rank : rank;
}
