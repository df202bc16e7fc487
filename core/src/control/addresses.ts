/** Addresses as people write them, as multiaddresses. */
import { isIPv4, isIPv6 } from 'node:net';
import { ShoalError } from '../spec/errors.js';

/** Port of the control plane where an address names none. */
export const defaultPort = 4001;

/**
 * Accepts a multiaddress (`/ip4/192.0.2.10/tcp/4001`, perhaps with `/p2p/<id>`), or an IP address or host name with or
 * without a port (`192.0.2.10`, `192.0.2.10:4001`, `[2001:db8::1]:4001`, `den.local`). Throws ARGUMENT_INVALID.
 */
export function parseAddress(text: string): string {
  const trimmed = text.trim();
  if (trimmed.startsWith('/')) return trimmed;
  const [, bracketed, plain, digits] = /^(?:\[([^\]]+)\]|([^:]+))(?::(\d{1,5}))?$/.exec(trimmed) ?? [];
  // An IPv6 address without brackets is all colons, so that it cannot have a port.
  const host = bracketed ?? plain ?? (isIPv6(trimmed) ? trimmed : undefined);
  const port = digits === undefined ? defaultPort : Number(digits);
  if (host === undefined || port > 65_535) throw invalid(text);
  if (isIPv6(host)) return `/ip6/${host}/tcp/${port}`;
  if (isIPv4(host)) return `/ip4/${host}/tcp/${port}`;
  const isName = bracketed === undefined && /^[a-z0-9]([a-z0-9.-]*[a-z0-9])?$/i.test(host) && !/^[\d.]+$/.test(host);
  if (!isName) throw invalid(text);
  return `/dns/${host}/tcp/${port}`;
}

function invalid(text: string): ShoalError {
  const message = `"${text}" is not an address such as 192.0.2.10, 192.0.2.10:4001 or /ip4/192.0.2.10/tcp/4001`;
  return new ShoalError('ARGUMENT_INVALID', message, { details: { address: text } });
}
