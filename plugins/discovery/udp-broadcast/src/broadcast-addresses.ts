import type { NetworkInterfaceInfo } from 'node:os';

/** Addresses that reach everybody on the networks of this machine's interfaces, loopback excepted. */
export function broadcastAddresses(interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]>): string[] {
  const found = Object.values(interfaces).flatMap((addresses = []) =>
    addresses.flatMap(({ family, internal, address, netmask }) =>
      family === 'IPv4' && !internal ? [broadcastAddress(address, netmask)] : [],
    ),
  );
  return [...new Set(found)];
}

/** All bits of the host's part set. */
function broadcastAddress(address: string, netmask: string): string {
  const mask = octets(netmask);
  return octets(address)
    .map((octet, index) => (octet & (mask[index] ?? 0)) | (~(mask[index] ?? 0) & 0xff))
    .join('.');
}

const octets = (address: string) => address.split('.').map(Number);
