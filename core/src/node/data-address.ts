import { networkInterfaces } from 'node:os';

/**
 * Workers listen where their node does. A node on all interfaces gives the first address that others can reach; with
 * several networks, configuration says which.
 */
export function dataAddressFor(listen: readonly string[]): string {
  const hosts = listen.flatMap((address) => /^\/ip[46]\/([^/]+)/.exec(address)?.[1] ?? []);
  const outside = hosts.find((host) => !host.startsWith('127.') && host !== '::1');
  if (outside === undefined) return '127.0.0.1';
  if (outside !== '0.0.0.0' && outside !== '::') return outside;
  const external = Object.values(networkInterfaces())
    .flatMap((addresses) => addresses ?? [])
    .find(({ internal, family }) => !internal && family === 'IPv4');
  return external?.address ?? '127.0.0.1';
}
