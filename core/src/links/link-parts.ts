/** What a link is made of: ends, and numbers with where they are from. Pure. */
import type { Link } from '../spec/link.js';
import type { BurstRate } from './burst-series.js';
import { withoutZone } from './ip-address.js';
import type { LinkOffer } from './link-report.js';
import type { InterfaceAddress, NetworkInterface } from './network-interface.js';
import type { ProbeEndpoint } from './probe-responder.js';

/** A peer's interfaces with those of their addresses at which it answers. */
export function listening({ interfaces, endpoints }: LinkOffer): NetworkInterface[] {
  const isBound = (one: NetworkInterface, { address }: InterfaceAddress) =>
    endpoints.some((endpoint) => belongs(endpoint.address, one, address));
  return interfaces
    .map((one) => ({ ...one, addresses: one.addresses.filter((address) => isBound(one, address)) }))
    .filter(({ addresses }) => addresses.length > 0);
}

/** Whether an address with a zone is this one of this interface: the same link-local address may be on several. */
function belongs(bound: string, one: NetworkInterface, address: string): boolean {
  if (withoutZone(bound) !== address) return false;
  const zone = bound.slice(address.length + 1);
  return zone === '' || zone === one.name || one.addresses.some(({ scopeId }) => String(scopeId) === zone);
}

export function endpointOf({ endpoints }: LinkOffer, target: string): ProbeEndpoint | undefined {
  return endpoints.find(({ address }) => withoutZone(address) === withoutZone(target));
}

export function endOf(nodeId: string, one: NetworkInterface | undefined, address: string | undefined): Link['from'] {
  return {
    nodeId,
    ...(one === undefined ? {} : { interfaceName: one.name }),
    ...(address === undefined ? {} : { address }),
  };
}

export const isMeasured = (
  number: Link['latencyMicroseconds'],
): number is { readonly value: number; readonly source: 'measured' } =>
  'value' in number && number.source === 'measured';

type LinkBandwidth = Pick<Link, 'bandwidthBytesPerSecond' | 'isBandwidthLowerBound'>;

/** What a burst says of a link. A lower bound does not take the place of more. */
export function bandwidthOf(
  { bytesPerSecond, isLowerBound }: BurstRate,
  before: LinkBandwidth | undefined,
): LinkBandwidth {
  const known = before?.bandwidthBytesPerSecond;
  if (isLowerBound && before && known && isMeasured(known) && known.value > bytesPerSecond) {
    return keptBandwidth(before);
  }
  return {
    bandwidthBytesPerSecond: { value: bytesPerSecond, source: 'measured' },
    ...(isLowerBound ? { isBandwidthLowerBound: true } : {}),
  };
}

export function keptBandwidth({ bandwidthBytesPerSecond, isBandwidthLowerBound }: LinkBandwidth): LinkBandwidth {
  return { bandwidthBytesPerSecond, ...(isBandwidthLowerBound ? { isBandwidthLowerBound } : {}) };
}

/** What the systems at the ends say where nothing was measured: the slower of both. */
export function slower(
  from: NetworkInterface | undefined,
  to: NetworkInterface,
  unmeasured = 'not measured yet',
): Link['bandwidthBytesPerSecond'] {
  const ends = [from?.bandwidthBytesPerSecond, to.bandwidthBytesPerSecond];
  const known = ends.flatMap((end) => (end && 'value' in end ? [end] : []));
  const [first, second] = known;
  if (!first || !second) return { unknown: unmeasured };
  return first.value <= second.value ? first : second;
}
