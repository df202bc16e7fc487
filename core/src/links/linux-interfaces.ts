/** Linux: what /sys/class/net says of an interface. */
import { readdir, readFile, readlink } from 'node:fs/promises';
import { basename, join } from 'node:path';
import {
  type InterfaceFacts,
  type InterfaceKind,
  type InterfaceReader,
  megabitsPerSecond,
  unknownBandwidth,
} from './network-interface.js';

/** Hardware types of linux/if_arp.h. */
const hardwareLoopback = '772';
const hardwareEthernet = '1';
const hardwareWithoutLinkLayer = '65534';
const tunnelHardware = new Set(['512', '768', '769', '776', '778', '823', hardwareWithoutLinkLayer]);
/** IFF_TAP of linux/if_tun.h. */
const tapFlag = 2;
const softwareHasNoSpeed = 'an interface in software has no speed of its own';
/** Bonds of bonds and worse are not followed for ever. */
const maximumDepth = 4;

/** `root` stands before /sys, for tests. */
export function linuxInterfaceReader(root = '/'): InterfaceReader {
  return async (names) => {
    const facts = names.map(
      async (name) => [name, await describeInterface(join(root, 'sys/class/net'), name)] as const,
    );
    return new Map(await Promise.all(facts));
  };
}

async function describeInterface(folder: string, name: string, depth = 0): Promise<InterfaceFacts> {
  const place = join(folder, name);
  const files = new Set(await readdir(place).catch(() => []));
  if (files.size === 0) {
    return {
      kind: 'unknown',
      kindFrom: `${place} is not there`,
      bandwidthBytesPerSecond: unknownBandwidth('/sys does not list it'),
    };
  }
  const lower = [...files].find((file) => file.startsWith('lower_'))?.slice('lower_'.length);
  const { kind, kindFrom } = await kindOf(place, files);
  if (kind === undefined && lower !== undefined && depth < maximumDepth) {
    // A bond, a VLAN or a MACVLAN is what it stands on.
    const below = await describeInterface(folder, lower, depth + 1);
    const bandwidthBytesPerSecond = await speedOf(place, below.bandwidthBytesPerSecond);
    return { kind: below.kind, kindFrom: `it stands on ${lower}: ${below.kindFrom}`, bandwidthBytesPerSecond };
  }
  if (kind === undefined) {
    const unmeasured = unknownBandwidth(softwareHasNoSpeed);
    return { kind: 'virtual', kindFrom: 'no device is behind it', bandwidthBytesPerSecond: unmeasured };
  }
  return { kind, kindFrom, bandwidthBytesPerSecond: await bandwidthOf(kind, place) };
}

async function kindOf(
  place: string,
  files: ReadonlySet<string>,
): Promise<{ readonly kind: InterfaceKind | undefined; readonly kindFrom: string }> {
  const type = (await readText(join(place, 'type'))) ?? '';
  const event = (await readText(join(place, 'uevent'))) ?? '';
  const deviceType = /^DEVTYPE=(.*)$/m.exec(event)?.[1];
  if (type === hardwareLoopback) return { kind: 'loopback', kindFrom: 'hardware type 772' };
  if (files.has('wireless') || files.has('phy80211') || deviceType === 'wlan') {
    return { kind: 'wifi', kindFrom: 'it has a radio (phy80211)' };
  }
  if (files.has('tun_flags')) {
    const flags = Number((await readText(join(place, 'tun_flags'))) ?? 0);
    if ((flags & tapFlag) === 0) return { kind: 'vpn', kindFrom: 'it is a tunnel of packets (tun_flags)' };
    // Of frames some are VPNs', and the others are wires of virtual machines and emulators. The kernel does not tell them
    // apart; a VPN's is no port of a bridge.
    if (files.has('brport'))
      return { kind: 'virtual', kindFrom: 'it is a TAP interface (tun_flags), a port of a bridge' };
    const isVpn = /^(tap|zt|vpn)/.test(basename(place));
    const from = `it is a TAP interface (tun_flags)${isVpn ? " with a VPN's name" : ''}`;
    return { kind: isVpn ? 'vpn' : 'virtual', kindFrom: from };
  }
  if (deviceType === 'wireguard') return { kind: 'vpn', kindFrom: 'it is a WireGuard interface' };
  if (files.has('bridge')) return { kind: 'bridge', kindFrom: 'it is a bridge' };
  if (tunnelHardware.has(type)) return { kind: 'vpn', kindFrom: `hardware type ${type}: a tunnel` };
  if (deviceType !== undefined && ['vxlan', 'geneve', 'gretap', 'ppp'].includes(deviceType)) {
    return { kind: 'vpn', kindFrom: `it is a ${deviceType} tunnel` };
  }
  if (files.has('device')) {
    const bus = await linkName(join(place, 'device/subsystem'));
    const driver = await linkName(join(place, 'device/driver'));
    const from = `driver ${driver ?? 'unknown'}`;
    if (bus === 'thunderbolt' || /^thunderbolt[-_]net$/.test(driver ?? ''))
      return { kind: 'thunderbolt', kindFrom: from };
    if (type === hardwareEthernet) return { kind: 'ethernet', kindFrom: from };
    return { kind: 'unknown', kindFrom: `hardware type ${type}, ${from}` };
  }
  return { kind: undefined, kindFrom: '' };
}

async function bandwidthOf(kind: InterfaceKind, place: string): Promise<InterfaceFacts['bandwidthBytesPerSecond']> {
  if (kind === 'loopback') return unknownBandwidth('the loopback interface has no speed of its own');
  if (kind === 'virtual') return unknownBandwidth(softwareHasNoSpeed);
  if (kind === 'vpn') return unknownBandwidth('a tunnel has no speed of its own');
  if (kind === 'wifi') return unknownBandwidth('the speed of a radio changes with its surroundings');
  return speedOf(place, unknownBandwidth('its driver does not tell a speed'));
}

/** The file gives megabits per second; it is -1 or cannot be read where a driver does not know. */
async function speedOf(
  place: string,
  otherwise: InterfaceFacts['bandwidthBytesPerSecond'],
): Promise<InterfaceFacts['bandwidthBytesPerSecond']> {
  const speed = Number((await readText(join(place, 'speed'))) ?? Number.NaN);
  return Number.isFinite(speed) && speed > 0 ? megabitsPerSecond(speed, 'driver') : otherwise;
}

function readText(path: string): Promise<string | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim(),
    () => undefined,
  );
}

function linkName(path: string): Promise<string | undefined> {
  return readlink(path).then(basename, () => undefined);
}
