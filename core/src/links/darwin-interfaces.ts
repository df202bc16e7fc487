/** macOS: hardware ports by `networksetup -listallhardwareports`, speeds by `ifconfig -v`. */
import {
  type InterfaceFacts,
  type InterfaceKind,
  type InterfaceReader,
  megabitsPerSecond,
  unknownBandwidth,
} from './network-interface.js';
import type { RunCommand } from './run-command.js';

export function darwinInterfaceReader(run: RunCommand): InterfaceReader {
  return async (names) => {
    const [ports, configuration] = await Promise.all([
      run('/usr/sbin/networksetup', ['-listallhardwareports']),
      run('/sbin/ifconfig', ['-v']),
    ]);
    return describeDarwinInterfaces(names, ports, configuration);
  };
}

/** Exported for its tests; undefined is a command that could not be run. */
export function describeDarwinInterfaces(
  names: readonly string[],
  ports: string | undefined,
  configuration: string | undefined,
): ReadonlyMap<string, InterfaceFacts> {
  const portOf = parseHardwarePorts(ports ?? '');
  const speedOf = parseSpeeds(configuration ?? '');
  return new Map(
    names.map((name) => {
      const { kind, kindFrom } = kindOf(name, portOf.get(name), ports === undefined);
      const speed = speedOf.get(name);
      const reason = configuration === undefined ? '`ifconfig` cannot be run' : 'the system does not tell a speed';
      const isRadio = kind === 'wifi';
      const bandwidthBytesPerSecond =
        speed === undefined || isRadio
          ? unknownBandwidth(isRadio ? 'the speed of a radio changes with its surroundings' : reason)
          : megabitsPerSecond(speed);
      return [name, { kind, kindFrom, bandwidthBytesPerSecond }];
    }),
  );
}

/** Device names with the names of their ports. */
function parseHardwarePorts(text: string): ReadonlyMap<string, string> {
  const found = text.matchAll(/^Hardware Port: (.+)\r?\nDevice: (\S+)/gm);
  return new Map(Array.from(found, ([, port = '', device = '']) => [device, port.trim()]));
}

function kindOf(
  name: string,
  port: string | undefined,
  isPortListMissing: boolean,
): { readonly kind: InterfaceKind; readonly kindFrom: string } {
  if (/^lo\d+$/.test(name)) return { kind: 'loopback', kindFrom: 'its name' };
  if (/^(utun|ipsec|ppp|tun|tap|wg|gif|stf)\d+$/.test(name)) return { kind: 'vpn', kindFrom: 'its name' };
  if (/^(awdl|llw|anpi|ap|vmenet|feth)\d+$/.test(name)) return { kind: 'virtual', kindFrom: 'its name' };
  const kindFrom = port === undefined ? 'its name' : `hardware port "${port}"`;
  if (port !== undefined) {
    // An adapter such as "Thunderbolt Ethernet" is an Ethernet port; "Thunderbolt 1" and the bridge are cables between Macs.
    if (/^Thunderbolt (Bridge|\d+)$/.test(port)) return { kind: 'thunderbolt', kindFrom };
    if (/wi-?fi|airport/i.test(port)) return { kind: 'wifi', kindFrom };
    if (/ethernet|\blan\b|10\/100/i.test(port)) return { kind: 'ethernet', kindFrom };
  }
  if (/^bridge\d+$/.test(name)) return { kind: 'bridge', kindFrom };
  if (port !== undefined) return { kind: 'unknown', kindFrom };
  const reason = isPortListMissing ? '`networksetup` cannot be run' : 'no hardware port has this name';
  return { kind: 'unknown', kindFrom: reason };
}

/** Megabits per second by interface. */
function parseSpeeds(text: string): ReadonlyMap<string, number> {
  const speeds = new Map<string, number>();
  for (const block of text.split(/^(?=\S+: flags=)/m)) {
    const name = /^(\S+): flags=/.exec(block)?.[1];
    if (name === undefined) continue;
    const rate = /^\s*link rate: ([\d.]+) ([KMG])bps/m.exec(block);
    const media = /^\s*media: .*?\((\d+(?:\.\d+)?)(G?)base/im.exec(block);
    const units: Readonly<Record<string, number>> = { K: 0.001, M: 1, G: 1000 };
    if (media) speeds.set(name, Number(media[1]) * (media[2] === '' ? 1 : 1000));
    else if (rate) speeds.set(name, Number(rate[1]) * (units[rate[2] ?? 'M'] ?? 1));
  }
  return speeds;
}
