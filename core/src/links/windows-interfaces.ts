/** Windows: adapters by PowerShell's `Get-NetAdapter`. */
import {
  type InterfaceFacts,
  type InterfaceKind,
  type InterfaceReader,
  megabitsPerSecond,
  unknownBandwidth,
} from './network-interface.js';
import type { RunCommand } from './run-command.js';

const script =
  'Get-NetAdapter -IncludeHidden | Select-Object Name,InterfaceDescription,NdisPhysicalMedium,Virtual,ReceiveLinkSpeed' +
  ' | ConvertTo-Json -Compress';

/** NDIS_PHYSICAL_MEDIUM of ntddndis.h. */
const wirelessMedia = new Set([1, 9]);
const ethernetMedium = 14;

export function windowsInterfaceReader(run: RunCommand): InterfaceReader {
  return async (names) => {
    const arguments_ = ['-NoProfile', '-NonInteractive', '-Command', script];
    return describeWindowsInterfaces(names, await run('powershell.exe', arguments_));
  };
}

/** Exported for its tests; undefined is a command that could not be run. */
export function describeWindowsInterfaces(
  names: readonly string[],
  output: string | undefined,
): ReadonlyMap<string, InterfaceFacts> {
  const adapters = parseAdapters(output ?? '');
  return new Map(
    names.map((name) => {
      const adapter = adapters.get(name);
      if (name.startsWith('Loopback Pseudo-Interface')) {
        const speed = unknownBandwidth('the loopback interface has no speed of its own');
        return [name, { kind: 'loopback', kindFrom: 'its name', bandwidthBytesPerSecond: speed }];
      }
      if (!adapter) {
        const reason = output === undefined ? '`Get-NetAdapter` cannot be run' : '`Get-NetAdapter` does not list it';
        return [name, { kind: 'unknown', kindFrom: reason, bandwidthBytesPerSecond: unknownBandwidth(reason) }];
      }
      return [name, describe(adapter)];
    }),
  );
}

interface Adapter {
  readonly description: string;
  readonly medium: number;
  readonly isVirtual: boolean;
  readonly bitsPerSecond: number;
}

function describe({ description, medium, isVirtual, bitsPerSecond }: Adapter): InterfaceFacts {
  const kind = kindOf(description, medium, isVirtual);
  const hasSpeed = bitsPerSecond > 0 && (kind === 'ethernet' || kind === 'thunderbolt');
  const bandwidthBytesPerSecond = hasSpeed
    ? megabitsPerSecond(bitsPerSecond / 1e6)
    : unknownBandwidth(
        kind === 'wifi' ? 'the speed of a radio changes with its surroundings' : 'it has no speed of its own',
      );
  return { kind, kindFrom: `adapter "${description}"`, bandwidthBytesPerSecond };
}

function kindOf(description: string, medium: number, isVirtual: boolean): InterfaceKind {
  if (/thunderbolt\(?tm\)? networking|thunderbolt.*network|usb4.*(p2p|network)/i.test(description))
    return 'thunderbolt';
  if (/wireguard|wintun|tailscale|zerotier|openvpn|tap-windows|vpn|wan miniport/i.test(description)) return 'vpn';
  if (/network bridge|multiplexor/i.test(description)) return 'bridge';
  if (wirelessMedia.has(medium)) return /virtual/i.test(description) ? 'virtual' : 'wifi';
  if (isVirtual) return 'virtual';
  return medium === ethernetMedium ? 'ethernet' : 'unknown';
}

function parseAdapters(text: string): ReadonlyMap<string, Adapter> {
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch {
    return new Map();
  }
  // A single adapter is no list.
  const rows = (Array.isArray(document) ? document : [document]) as unknown[];
  return new Map(
    rows.flatMap((row) => {
      const { Name, InterfaceDescription, NdisPhysicalMedium, Virtual, ReceiveLinkSpeed } = (row ?? {}) as Record<
        string,
        unknown
      >;
      if (typeof Name !== 'string') return [];
      const adapter = {
        description: typeof InterfaceDescription === 'string' ? InterfaceDescription : '',
        medium: Number(NdisPhysicalMedium ?? -1),
        isVirtual: Virtual === true,
        bitsPerSecond: Number(ReceiveLinkSpeed ?? 0),
      };
      return [[Name, adapter] as const];
    }),
  );
}
