/** Which of a peer's addresses are tried first, and through which interface of this machine. Pure. */
import { networkInterfaces } from 'node:os';
import type { MemberEndpoint } from '@shoal/core';

/** Numbers of this machine's interfaces by name, which addresses of the fabric have for zones. */
export type ZoneNumbers = ReadonlyMap<string, number>;

export function zoneNumbers(): ZoneNumbers {
  const numbers = Object.entries(networkInterfaces()).flatMap(([name, addresses = []]) =>
    addresses.flatMap((one) => (one.family === 'IPv6' && one.scopeid > 0 ? [[name, one.scopeid] as const] : [])),
  );
  return new Map(numbers);
}

/** `fe80::1%eth0` with the interface's number; undefined for an interface that is not here. Other addresses stay. */
export function withZoneNumber(address: string, zones: ZoneNumbers): string | undefined {
  const [plain = '', zone] = address.split('%');
  if (zone === undefined) return address;
  const number = /^\d+$/.test(zone) ? Number(zone) : zones.get(zone);
  return number === undefined ? undefined : `${plain}%${number}`;
}

/** `tls:[fe80::1%2]:4000` and the like. */
const networkAddress = /^(?<scheme>tcp|tls):(?:\[(?<six>[^\]%]+)(?:%[^\]]+)?\]|(?<four>[\d.]+)):(?<port>\d+)$/;

/**
 * The addresses of an endpoint in the order in which they are tried: those of this machine only, those over which the peer
 * was reached, fastest first, and the others. Zones are those of this machine; link-local addresses without one say
 * nothing here.
 */
export function orderedAddresses(
  addresses: readonly string[],
  preferred: readonly string[],
  zones: ZoneNumbers,
): readonly string[] {
  const parts = addresses.map((address) => ({ address, groups: networkAddress.exec(address)?.groups }));
  const local = parts.flatMap(({ address, groups }) => (groups ? [] : [address]));
  const first = preferred.flatMap((wanted) => {
    const zoned = withZoneNumber(wanted, zones);
    if (zoned === undefined) return [];
    const [plain] = zoned.split('%');
    return parts.flatMap(({ groups }) => {
      const { scheme, six, four, port } = groups ?? {};
      if ((six ?? four) !== plain) return [];
      return [`${scheme}:${six === undefined ? zoned : `[${zoned}]`}:${port}`];
    });
  });
  const others = parts.flatMap(({ address, groups }) => {
    if (!groups || /^fe[89ab]/i.test(groups.six ?? '')) return [];
    return first.includes(address) ? [] : [address];
  });
  const all = [...local, ...first, ...others];
  return all.length > 0 ? all : addresses;
}

/** The peers with their addresses in order. */
export function routedPeers(peers: readonly MemberEndpoint[], zones: ZoneNumbers): readonly MemberEndpoint[] {
  return peers.map(({ preferredAddresses = [], ...peer }) => {
    const { addresses } = peer.endpoint;
    if (!Array.isArray(addresses)) return peer;
    const ordered = orderedAddresses(addresses.map(String), preferredAddresses, zones);
    return { ...peer, endpoint: { ...peer.endpoint, addresses: ordered } };
  });
}
