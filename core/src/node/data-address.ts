/** Where workers, and the probes that measure for them, listen. Pure. */
import { isLoopback, isUnspecified, withoutZone } from '../links/ip-address.js';
import { zoneText } from '../links/link-paths.js';
import type { InterfaceAddress, InterfaceKind, NetworkInterface } from '../links/network-interface.js';

const loopback = '127.0.0.1';

/** Kinds in the order in which peers that measured nothing try them: what most peers reach first. */
const order: readonly InterfaceKind[] = ['ethernet', 'bridge', 'virtual', 'unknown', 'wifi', 'thunderbolt', 'vpn'];

/** More than this are interfaces of containers. */
const maximumAddresses = 16;

/**
 * Workers listen where their node does, unless `configured` names the addresses. A node on all interfaces gives all of
 * their addresses: which one is used is decided for each pair of nodes, by what was measured. IPv6 addresses beyond a
 * wire need a node that listens on `::`. Never empty; with zones.
 */
export function dataAddresses(
  listen: readonly string[],
  configured: readonly string[],
  interfaces: readonly NetworkInterface[],
): readonly string[] {
  const hosts = listen.flatMap((address) => /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? []);
  const wanted = configured.length > 0 ? configured : hosts;
  const named = wanted.filter((host) => !isUnspecified(host));
  const outside = named.filter((host) => !isLoopback(host));
  const all = wanted.filter(isUnspecified).flatMap((host) => addressesOf(interfaces, host));
  const found = [...new Set([...outside, ...all])].slice(0, maximumAddresses);
  return found.length > 0 ? found : [configured[0] ?? loopback];
}

/** Where probes are answered: as workers, and on loopback, so that nodes of one machine find the shortest way. */
export function probeAddresses(addresses: readonly string[]): readonly string[] {
  return [...new Set([...addresses, loopback])];
}

function addressesOf(interfaces: readonly NetworkInterface[], host: string): string[] {
  const isWanted = ({ family, isLinkLocal }: InterfaceAddress) =>
    family === 'ipv4' || isLinkLocal || host.includes(':');
  const rank = ({ kind }: NetworkInterface) => order.indexOf(kind);
  // Addresses that somebody gave first: they tell the peers of a network apart from those of another.
  const last = ({ isLinkLocal, family }: InterfaceAddress) => (isLinkLocal ? 2 : 0) + (family === 'ipv6' ? 1 : 0);
  return interfaces
    .filter(({ kind }) => kind !== 'loopback')
    .sort((left, right) => rank(left) - rank(right))
    .flatMap((one) => one.addresses.filter(isWanted).map((address) => ({ one, address })))
    .sort((left, right) => last(left.address) - last(right.address))
    .map(({ one, address }) => textOf(one, address));
}

/** Link-local addresses of IPv6 are of their interface only. */
function textOf(one: NetworkInterface, address: InterfaceAddress): string {
  const plain = withoutZone(address.address);
  return address.isLinkLocal && address.family === 'ipv6' ? `${plain}%${zoneText(one, address)}` : plain;
}
