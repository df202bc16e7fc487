/**
 * Which of this machine's interfaces may reach which of a peer's, and between which of their addresses. Pure: whether a
 * path is there is for a probe to say.
 */
import type { LinkKind } from '../spec/link.js';
import { isInSameNetwork, isLoopback, isSameAddress, withoutZone } from './ip-address.js';
import type { InterfaceAddress, InterfaceKind, NetworkInterface } from './network-interface.js';

/** Where to go out and where to. */
export interface AddressPair {
  /** Absent: the system chooses, because several interfaces are on that network. */
  readonly source?: string;
  /** With this machine's zone where it is link-local. */
  readonly target: string;
}

/** A way from one interface to another, by the addresses to try, best first. */
export interface LinkPath {
  /** Undefined where the system chooses. */
  readonly from: NetworkInterface | undefined;
  readonly to: NetworkInterface;
  readonly candidates: readonly AddressPair[];
}

export interface PathOptions {
  /** Whether the peer may be reached over the loopback interface. */
  readonly isSameMachine: boolean;
  /** Text of an interface's zone in addresses; its name but on Windows. */
  readonly zoneOf?: (one: NetworkInterface, address: InterfaceAddress) => string;
}

/** Paths to one peer that are tried at most; machines with more have many interfaces on one network. */
const maximumPaths = 16;

/** `peer`: its interfaces with the addresses at which it listens. */
export function pathsTo(
  own: readonly NetworkInterface[],
  peer: readonly NetworkInterface[],
  options: PathOptions,
): readonly LinkPath[] {
  const loop = options.isSameMachine ? loopbackPaths(own, peer) : [];
  const reachable = peer.filter(({ kind }) => kind !== 'loopback');
  const local = localPaths(own, reachable, options.zoneOf ?? zoneText);
  // Another network's addresses lead through a router, and may be the same path by another name.
  const routed = local.length > 0 ? [] : routedPaths(own, reachable);
  return [...loop, ...local, ...routed].slice(0, maximumPaths);
}

/** What follows the `%` in an address of this machine. */
export const zoneText = (one: NetworkInterface, { scopeId }: InterfaceAddress): string =>
  process.platform === 'win32' && scopeId !== undefined ? String(scopeId) : one.name;

function loopbackPaths(own: readonly NetworkInterface[], peer: readonly NetworkInterface[]): LinkPath[] {
  const from = own.find(({ kind }) => kind === 'loopback');
  const to = peer.find(({ kind }) => kind === 'loopback');
  const target = to?.addresses.find(({ address }) => isLoopback(address));
  return from && to && target ? [{ from, to, candidates: [{ target: target.address }] }] : [];
}

interface Match {
  readonly from: NetworkInterface;
  readonly to: NetworkInterface;
  readonly source: InterfaceAddress;
  readonly target: InterfaceAddress;
}

function localPaths(
  own: readonly NetworkInterface[],
  peer: readonly NetworkInterface[],
  zoneOf: NonNullable<PathOptions['zoneOf']>,
): LinkPath[] {
  const all = own
    .filter(({ kind }) => kind !== 'loopback')
    .flatMap((from) => peer.flatMap((to) => matches(from, to)))
    // An address that both have, as container bridges do, is not the peer's from here.
    .filter(
      ({ target }) => !own.some(({ addresses }) => addresses.some((one) => isSameAddress(one.address, target.address))),
    );
  const isJoined = (name: string, end: 'from' | 'to') =>
    all.some((match) => match[end].name === name && !match.source.isLinkLocal);
  const wanted = all.filter((match) => {
    const { from, to, source } = match;
    if (!source.isLinkLocal) return true;
    // Link-local addresses match on every wire: they count where nothing better says who is joined with whom.
    if (all.some((other) => other.from === from && other.to === to && !other.source.isLinkLocal)) return true;
    return !isJoined(from.name, 'from') && !isJoined(to.name, 'to') && couldBeOneWire(from.kind, to.kind);
  });
  // Only a zone says which interface: with several on that network it is the system that chooses among them.
  const isAmbiguous = ({ from, target, source }: Match) =>
    !(source.family === 'ipv6' && source.isLinkLocal) &&
    wanted.some((other) => other.from !== from && isSameAddress(other.target.address, target.address));
  const paths = new Map<
    string,
    { readonly from: NetworkInterface | undefined; readonly to: NetworkInterface; readonly found: Match[] }
  >();
  for (const match of wanted) {
    const from = isAmbiguous(match) ? undefined : match.from;
    const key = `${from?.name ?? ''}\0${match.to.name}`;
    const path = paths.get(key) ?? { from, to: match.to, found: [] };
    path.found.push(match);
    paths.set(key, path);
  }
  const unique = [...paths.values()].filter(({ from, to, found }) => {
    // Where a zone tells the interfaces apart, nothing is left to the system's choice.
    if (from !== undefined) return true;
    return !found.every((match) => [...paths.values()].some((other) => other.from === match.from && other.to === to));
  });
  return unique.map(({ from, to, found }) => ({
    from,
    to,
    candidates: dedupe(
      [...found]
        .sort((left, right) => rank(left) - rank(right))
        .map((match) => pairOf(match, from !== undefined, zoneOf)),
    ),
  }));
}

function matches(from: NetworkInterface, to: NetworkInterface): Match[] {
  return from.addresses.flatMap((source) =>
    to.addresses
      .filter(
        (target) =>
          target.family === source.family &&
          target.isLinkLocal === source.isLinkLocal &&
          !isLoopback(target.address) &&
          isInSameNetwork(source.address, target.address, Math.max(source.prefixLength, target.prefixLength)),
      )
      .map((target) => ({ from, to, source, target })),
  );
}

/** Addresses that somebody gave first; of link-local ones those with a zone. */
function rank({ source: { isLinkLocal, family } }: Match): number {
  if (isLinkLocal) return family === 'ipv6' ? 2 : 3;
  return family === 'ipv4' ? 0 : 1;
}

function pairOf(
  { from, source, target }: Match,
  isBound: boolean,
  zoneOf: NonNullable<PathOptions['zoneOf']>,
): AddressPair {
  const zone = source.isLinkLocal && source.family === 'ipv6' ? `%${zoneOf(from, source)}` : '';
  const address = `${withoutZone(target.address)}${zone}`;
  return isBound ? { source: `${withoutZone(source.address)}${zone}`, target: address } : { target: address };
}

function dedupe(pairs: readonly AddressPair[]): AddressPair[] {
  const seen = new Map(pairs.map((pair) => [`${pair.source}\0${pair.target}`, pair]));
  return [...seen.values()];
}

/** A cable between Thunderbolt ports ends in Thunderbolt ports. */
function couldBeOneWire(from: InterfaceKind, to: InterfaceKind): boolean {
  if (from === 'unknown' || to === 'unknown') return true;
  return (from === 'thunderbolt') === (to === 'thunderbolt') && from !== 'vpn' && to !== 'vpn';
}

function routedPaths(own: readonly NetworkInterface[], peer: readonly NetworkInterface[]): LinkPath[] {
  const hasFamily = (family: string) =>
    own.some(
      ({ kind, addresses }) =>
        kind !== 'loopback' && addresses.some((one) => one.family === family && !one.isLinkLocal),
    );
  const ownAddresses = own.flatMap(({ addresses }) => addresses);
  return peer.flatMap((to) => {
    const candidates = to.addresses
      .filter(({ family, isLinkLocal }) => !isLinkLocal && hasFamily(family))
      .filter(({ address }) => !ownAddresses.some((one) => isSameAddress(one.address, address)))
      .sort((left, right) => left.family.localeCompare(right.family))
      .map(({ address }) => ({ target: address }));
    return candidates.length > 0 ? [{ from: undefined, to, candidates }] : [];
  });
}

/** What a path between two interfaces runs over: the lesser of its ends. */
export function kindOfLink(from: InterfaceKind, to: InterfaceKind): LinkKind {
  const ends = [from, to];
  if (ends.every((kind) => kind === 'loopback')) return 'loopback';
  if (ends.includes('vpn')) return 'vpn';
  if (ends.includes('wifi')) return 'wifi';
  if (ends.includes('unknown') || ends.includes('loopback')) return 'unknown';
  return ends.every((kind) => kind === 'thunderbolt') ? 'thunderbolt' : 'ethernet';
}
