/** Which addresses of its peers a member tries first: those of the fastest links. Pure. */
import { linksBetween } from '../links/link-order.js';
import type { Link } from '../spec/link.js';
import type { MemberEndpoint } from '../spec/transport.js';

/** The endpoints as the members of one node are told them. */
export function endpointsFor(
  nodeId: string,
  endpoints: readonly MemberEndpoint[],
  links: readonly Link[],
): readonly MemberEndpoint[] {
  return endpoints.map((endpoint) => {
    if (endpoint.nodeId === nodeId) return endpoint;
    const preferred = linksBetween(links, nodeId, endpoint.nodeId).flatMap(({ to }) => to.address ?? []);
    return preferred.length > 0 ? { ...endpoint, preferredAddresses: preferred } : endpoint;
  });
}
