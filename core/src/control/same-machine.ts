/** Which addresses are this machine's: between its own nodes no cable can be pulled. */
import { isIPv4 } from 'node:net';
import { networkInterfaces } from 'node:os';

/** The IP address or name in a multiaddress. */
export function hostOfMultiaddress(address: string): string | undefined {
  return /^\/(?:ip4|ip6|dns|dns4|dns6)\/([^/]+)/.exec(address)?.[1];
}

export function isLoopbackHost(host: string): boolean {
  const plain = host.startsWith('::ffff:') ? host.slice('::ffff:'.length) : host;
  return plain === '::1' || plain === 'localhost' || (isIPv4(plain) && plain.startsWith('127.'));
}

export function isOwnHost(host: string): boolean {
  if (isLoopbackHost(host)) return true;
  return Object.values(networkInterfaces()).some((addresses) => addresses?.some(({ address }) => address === host));
}

/** Whether a multiaddress leads to one of the ports that this node listens on. A name is given the benefit of the doubt. */
export function isOwnAddress(address: string, own: readonly string[]): boolean {
  const host = hostOfMultiaddress(address);
  const portOf = (one: string) => /\/tcp\/(\d+)/.exec(one)?.[1];
  if (host === undefined || !own.some((one) => portOf(one) === portOf(address))) return false;
  return address.startsWith('/dns') || isOwnHost(host);
}
