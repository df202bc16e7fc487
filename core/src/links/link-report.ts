/** What nodes tell each other of their interfaces and links; JSON. */
import { ShoalError } from '../spec/errors.js';
import type { Link } from '../spec/link.js';
import type { NetworkInterface } from './network-interface.js';
import type { ProbeEndpoint } from './probe-responder.js';

/** Where a node can be reached. */
export interface LinkOffer {
  readonly nodeId: string;
  readonly nodeName: string;
  /** Equal for nodes on one machine. */
  readonly machineId: string;
  readonly interfaces: readonly NetworkInterface[];
  /** Where it answers probes. */
  readonly endpoints: readonly ProbeEndpoint[];
}

/** A path that was tried in vain. */
export interface FailedLink {
  readonly from: Link['from'];
  readonly to: Link['to'];
  readonly kind: Link['kind'];
  readonly reason: string;
  /** Milliseconds since 1970. */
  readonly triedAt: number;
}

export interface LinkReport {
  readonly offer: LinkOffer;
  /** From this node to others. */
  readonly links: readonly Link[];
  readonly failures: readonly FailedLink[];
}

/** Interfaces that count: machines with more have them for their containers. */
export const maximumInterfaces = 64;
const maximumAddresses = 64;
const maximumLinks = 16_384;

/** Checks what another node said, as far as it is relied on. Throws REQUEST_INVALID. */
export function checkedReport(report: LinkReport, nodeId: string): LinkReport {
  const { offer, links, failures } = report ?? {};
  const isList = (value: unknown, maximum: number): value is readonly unknown[] =>
    Array.isArray(value) && value.length <= maximum;
  const isText = (value: unknown) => typeof value === 'string' && value.length <= 4096;
  const isPort = (value: unknown) => Number.isInteger(value) && (value as number) > 0 && (value as number) < 65_536;
  const isEnd = (end: Link['from'] | undefined) =>
    isText(end?.nodeId) &&
    (end?.interfaceName === undefined || isText(end.interfaceName)) &&
    (end?.address === undefined || isText(end.address));
  const isMeasured = (value: Link['latencyMicroseconds'] | undefined) =>
    typeof value === 'object' && ('unknown' in value ? isText(value.unknown) : value.value > 0);
  const valid =
    offer?.nodeId === nodeId &&
    isText(offer.nodeName) &&
    isText(offer.machineId) &&
    isList(offer.interfaces, maximumInterfaces) &&
    offer.interfaces.every(
      (one) =>
        isText(one?.name) &&
        isText(one.kind) &&
        isMeasured(one.bandwidthBytesPerSecond) &&
        isList(one.addresses, maximumAddresses) &&
        one.addresses.every((address) => isText(address?.address) && Number.isInteger(address.prefixLength)),
    ) &&
    isList(offer.endpoints, maximumInterfaces * maximumAddresses) &&
    offer.endpoints.every((endpoint) => isText(endpoint?.address) && isPort(endpoint.port)) &&
    isList(links, maximumLinks) &&
    // A node says nothing about links of others.
    links.every(
      (link) =>
        isEnd(link?.from) &&
        isEnd(link.to) &&
        link.from.nodeId === nodeId &&
        isText(link.kind) &&
        isMeasured(link.latencyMicroseconds) &&
        isMeasured(link.bandwidthBytesPerSecond) &&
        (link.isBandwidthLowerBound === undefined || typeof link.isBandwidthLowerBound === 'boolean'),
    ) &&
    isList(failures, maximumLinks) &&
    failures.every((failure) => isEnd(failure?.from) && isEnd(failure.to) && isText(failure.reason));
  if (!valid)
    throw new ShoalError('REQUEST_INVALID', `what node ${nodeId} says of its links lacks fields or has wrong ones`);
  return report;
}
