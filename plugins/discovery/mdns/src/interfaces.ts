import type { NetworkInterfaceInfo } from 'node:os';

export interface MulticastInterface {
  readonly name: string;
  /** By which the system knows the interface. */
  readonly address: string;
  readonly netmask: string;
}

/** Every network of this machine, loopback excepted; one address of each is enough to speak on it. */
export function multicastInterfaces(interfaces: NodeJS.Dict<readonly NetworkInterfaceInfo[]>): MulticastInterface[] {
  return Object.entries(interfaces).flatMap(([name, addresses = []]) => {
    const own = addresses.find(({ family, internal }) => family === 'IPv4' && !internal);
    return own ? [{ name, address: own.address, netmask: own.netmask }] : [];
  });
}

/** Whether an address is of the interface's network. */
export function isOnNetwork(address: string, { address: own, netmask }: MulticastInterface): boolean {
  const mask = octets(netmask);
  const other = octets(address);
  return octets(own).every((octet, index) => ((octet ^ (other[index] ?? 0)) & (mask[index] ?? 255)) === 0);
}

const octets = (address: string) => address.split('.').map(Number);
