/** The interfaces that have addresses, with what the operating system tells of them. */
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { darwinInterfaceReader } from './darwin-interfaces.js';
import { isLinkLocal, prefixLengthOf } from './ip-address.js';
import { linuxInterfaceReader } from './linux-interfaces.js';
import {
  type InterfaceAddress,
  type InterfaceFacts,
  type InterfaceReader,
  type NetworkInterface,
  unknownBandwidth,
} from './network-interface.js';
import { runCommand } from './run-command.js';
import { windowsInterfaceReader } from './windows-interfaces.js';

/** As `os.networkInterfaces`. */
export type AddressReader = () => NodeJS.Dict<NetworkInterfaceInfo[]>;

/** Commands take a while, and kinds do not change while an interface lives; what comes and goes is asked again. */
const factsLifetimeMilliseconds = 5 * 60_000;

export class Interfaces {
  private facts: ReadonlyMap<string, InterfaceFacts> = new Map();
  private factsOf = '';
  private readAt = Number.NEGATIVE_INFINITY;
  /** As they were last read. */
  current: readonly NetworkInterface[] = [];
  private reading: Promise<readonly NetworkInterface[]> | undefined;

  constructor(
    private readonly readAddresses: AddressReader = networkInterfaces,
    private readonly readFacts: InterfaceReader = platformReader(),
    private readonly now: () => number = () => performance.now(),
  ) {}

  /** Those that have addresses now, in the system's order. Never rejects. Callers at the same time get one answer. */
  read(): Promise<readonly NetworkInterface[]> {
    this.reading ??= this.readNow().finally(() => {
      this.reading = undefined;
    });
    return this.reading;
  }

  private async readNow(): Promise<readonly NetworkInterface[]> {
    const found = Object.entries(this.readAddresses()).flatMap(([name, addresses]) =>
      addresses && addresses.length > 0 ? [{ name, addresses }] : [],
    );
    const names = found.map(({ name }) => name);
    const key = names.join('\0');
    if (key !== this.factsOf || this.now() - this.readAt > factsLifetimeMilliseconds) {
      this.facts = await this.readFacts(names);
      this.factsOf = key;
      this.readAt = this.now();
    }
    this.current = found.map(({ name, addresses }) => describe(name, addresses, this.facts.get(name)));
    return this.current;
  }
}

function describe(
  name: string,
  addresses: readonly NetworkInterfaceInfo[],
  facts: InterfaceFacts | undefined,
): NetworkInterface {
  const known = facts ?? {
    kind: 'unknown',
    kindFrom: 'nothing here can tell',
    bandwidthBytesPerSecond: unknownBandwidth('nothing here can tell'),
  };
  const isInternal = addresses.every(({ internal }) => internal);
  // Whatever else is unknown, the loopback interface is known everywhere.
  const kind = isInternal && known.kind === 'unknown' ? 'loopback' : known.kind;
  return { name, ...known, kind, addresses: addresses.map(interfaceAddress) };
}

function interfaceAddress(info: NetworkInterfaceInfo): InterfaceAddress {
  const { address, netmask, family } = info;
  const scopeId = info.family === 'IPv6' ? info.scopeid : 0;
  return {
    address,
    family: family === 'IPv4' ? 'ipv4' : 'ipv6',
    prefixLength: prefixLengthOf(netmask),
    isLinkLocal: isLinkLocal(address),
    ...(scopeId === 0 ? {} : { scopeId }),
  };
}

function platformReader(): InterfaceReader {
  switch (process.platform) {
    case 'linux':
    case 'android':
      return linuxInterfaceReader();
    case 'darwin':
      return darwinInterfaceReader(runCommand);
    case 'win32':
      return windowsInterfaceReader(runCommand);
    default:
      return async () => new Map();
  }
}
