// What operating systems say of network interfaces: a made /sys tree, and recorded outputs of macOS and Windows.
import { mkdirSync, symlinkSync, writeFileSync } from 'node:fs';
import { type NetworkInterfaceInfo, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { describeDarwinInterfaces } from '@shoal/core/internal/links/darwin-interfaces.js';
import { Interfaces } from '@shoal/core/internal/links/interfaces.js';
import { linuxInterfaceReader } from '@shoal/core/internal/links/linux-interfaces.js';
import type { InterfaceFacts } from '@shoal/core/internal/links/network-interface.js';
import { describeWindowsInterfaces } from '@shoal/core/internal/links/windows-interfaces.js';
import t from 'tap';

/** Files by name; text is content, a folder is a nested object, a link is `->target`. */
interface Tree {
  readonly [name: string]: string | Tree;
}

function plant(folder: string, tree: Tree): void {
  mkdirSync(folder, { recursive: true });
  for (const [name, value] of Object.entries(tree)) {
    const path = join(folder, name);
    if (typeof value !== 'string') plant(path, value);
    else if (value.startsWith('->')) symlinkSync(value.slice(2), path);
    else writeFileSync(path, `${value}\n`);
  }
}

const device = (driver: string, bus = 'pci'): Tree => ({
  driver: `->../../../../bus/${bus}/drivers/${driver}`,
  subsystem: `->../../../../bus/${bus}`,
});

const megabits = (value: number) => value * 125_000;
const summary = (facts: InterfaceFacts | undefined) => ({
  kind: facts?.kind,
  bytes: facts && 'value' in facts.bandwidthBytesPerSecond ? facts.bandwidthBytesPerSecond.value : 'unknown',
});

t.test('Linux', async (t) => {
  const root = t.testdir({});
  plant(join(root, 'sys/class/net'), {
    lo: { type: '772', uevent: 'INTERFACE=lo' },
    eth0: { type: '1', uevent: 'INTERFACE=eth0', speed: '2500', device: device('r8169') },
    eth1: { type: '1', uevent: 'INTERFACE=eth1', speed: '-1', device: device('virtio_net', 'virtio') },
    wlan0: { type: '1', uevent: 'DEVTYPE=wlan\nINTERFACE=wlan0', phy80211: {}, device: device('iwlwifi') },
    thunderbolt0: {
      type: '1',
      uevent: 'INTERFACE=thunderbolt0',
      speed: '20000',
      device: device('thunderbolt-net', 'thunderbolt'),
    },
    tailscale0: { type: '65534', uevent: 'INTERFACE=tailscale0', tun_flags: '0x1001', speed: '10' },
    zt5u4: { type: '1', uevent: 'INTERFACE=zt5u4', tun_flags: '0x1002' },
    wire0: { type: '1', uevent: 'INTERFACE=wire0', tun_flags: '0x1002', speed: '10' },
    tap0: { type: '1', uevent: 'INTERFACE=tap0', tun_flags: '0x1002', speed: '10' },
    tap1: { type: '1', uevent: 'INTERFACE=tap1', tun_flags: '0x1002', brport: {} },
    wg0: { type: '65534', uevent: 'DEVTYPE=wireguard\nINTERFACE=wg0' },
    tunl0: { type: '768', uevent: 'INTERFACE=tunl0' },
    docker0: { type: '1', uevent: 'DEVTYPE=bridge\nINTERFACE=docker0', bridge: {}, speed: '10000' },
    veth7: { type: '1', uevent: 'INTERFACE=veth7', speed: '10000' },
    bond0: { type: '1', uevent: 'DEVTYPE=bond\nINTERFACE=bond0', speed: '5000', bonding: {}, lower_eth0: '->../eth0' },
    'wlan0.7': { type: '1', uevent: 'DEVTYPE=vlan\nINTERFACE=wlan0.7', lower_wlan0: '->../wlan0' },
    loop0: { type: '1', uevent: '', lower_loop0: '->../loop0' },
    ib0: { type: '32', uevent: 'INTERFACE=ib0', device: device('mlx5_core') },
  });
  const expected: Readonly<Record<string, readonly [string, number | 'unknown']>> = {
    lo: ['loopback', 'unknown'],
    eth0: ['ethernet', megabits(2500)],
    eth1: ['ethernet', 'unknown'],
    wlan0: ['wifi', 'unknown'],
    thunderbolt0: ['thunderbolt', megabits(20_000)],
    tailscale0: ['vpn', 'unknown'],
    tap0: ['vpn', 'unknown'],
    // A virtual machine's, whatever its name.
    tap1: ['virtual', 'unknown'],
    zt5u4: ['vpn', 'unknown'],
    wire0: ['virtual', 'unknown'],
    wg0: ['vpn', 'unknown'],
    tunl0: ['vpn', 'unknown'],
    docker0: ['bridge', megabits(10_000)],
    // The kernel makes up a speed for it.
    veth7: ['virtual', 'unknown'],
    bond0: ['ethernet', megabits(5000)],
    'wlan0.7': ['wifi', 'unknown'],
    // An interface that stands on itself does not keep anybody for ever.
    loop0: ['virtual', 'unknown'],
    ib0: ['unknown', 'unknown'],
    absent0: ['unknown', 'unknown'],
  };
  const found = await linuxInterfaceReader(root)(Object.keys(expected));
  for (const [name, [kind, bytes]] of Object.entries(expected)) t.same(summary(found.get(name)), { kind, bytes }, name);
  t.equal(found.get('thunderbolt0')?.kindFrom, 'driver thunderbolt-net');
  t.match(found.get('bond0')?.kindFrom, /stands on eth0/);
  t.match(found.get('tailscale0')?.kindFrom, /tunnel of packets/);
  t.match(found.get('tap0')?.kindFrom, /TAP interface.*a VPN's name/);
  t.match(found.get('tap1')?.kindFrom, /TAP interface.*port of a bridge/);
  t.match(found.get('wire0')?.kindFrom, /it is a TAP interface \(tun_flags\)$/);
});

const hardwarePorts = `
Hardware Port: Ethernet
Device: en0
Ethernet Address: 1c:57:dc:01:02:03

Hardware Port: Thunderbolt Ethernet Slot 1
Device: en9
Ethernet Address: 00:30:93:01:02:03

Hardware Port: Wi-Fi
Device: en1
Ethernet Address: 1c:57:dc:01:02:04

Hardware Port: Thunderbolt Bridge
Device: bridge0
Ethernet Address: 36:5c:01:02:03:c0

Hardware Port: Thunderbolt 1
Device: en2
Ethernet Address: 36:5c:01:02:03:c0

Hardware Port: iPhone USB
Device: en7
Ethernet Address: 36:5c:01:02:03:c8

VLAN Configurations
===================
`;

const configuration = `lo0: flags=8049<UP,LOOPBACK,RUNNING,MULTICAST> mtu 16384 index 1
	inet 127.0.0.1 netmask 0xff000000
en0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500 index 6
	inet 192.0.2.7 netmask 0xffffff00 broadcast 192.0.2.255
	media: autoselect (1000baseT <full-duplex,flow-control,energy-efficient-ethernet>)
	status: active
	link quality: 100 (good)
	link rate: 1.00 Gbps
en9: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500 index 12
	media: autoselect (10Gbase-T <full-duplex>)
	status: active
en1: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500 index 11
	media: autoselect
	status: active
	link rate: 866.00 Mbps
en2: flags=8963<UP,BROADCAST,SMART,RUNNING,PROMISC,SIMPLEX,MULTICAST> mtu 1500 index 8
	media: autoselect <full-duplex>
	status: active
	link rate: 20.00 Gbps
bridge0: flags=8863<UP,BROADCAST,SMART,RUNNING,SIMPLEX,MULTICAST> mtu 1500 index 14
	media: <unknown type>
	status: active
utun3: flags=8051<UP,POINTOPOINT,RUNNING,MULTICAST> mtu 1380 index 20
`;

t.test('macOS', async (t) => {
  const expected: Readonly<Record<string, readonly [string, number | 'unknown']>> = {
    lo0: ['loopback', 'unknown'],
    en0: ['ethernet', megabits(1000)],
    en9: ['ethernet', megabits(10_000)],
    en1: ['wifi', 'unknown'],
    en2: ['thunderbolt', megabits(20_000)],
    bridge0: ['thunderbolt', 'unknown'],
    bridge100: ['bridge', 'unknown'],
    en7: ['unknown', 'unknown'],
    utun3: ['vpn', 'unknown'],
    awdl0: ['virtual', 'unknown'],
    en42: ['unknown', 'unknown'],
  };
  const found = describeDarwinInterfaces(Object.keys(expected), hardwarePorts, configuration);
  for (const [name, [kind, bytes]] of Object.entries(expected)) t.same(summary(found.get(name)), { kind, bytes }, name);
  t.equal(found.get('en2')?.kindFrom, 'hardware port "Thunderbolt 1"');
  const blind = describeDarwinInterfaces(['en0', 'lo0', 'utun1'], undefined, undefined);
  t.match(blind.get('en0'), {
    kind: 'unknown',
    kindFrom: /networksetup/,
    bandwidthBytesPerSecond: { unknown: /ifconfig/ },
  });
  t.equal(blind.get('lo0')?.kind, 'loopback');
  t.equal(blind.get('utun1')?.kind, 'vpn');
});

const adapters = [
  {
    Name: 'Ethernet',
    InterfaceDescription: 'Realtek PCIe 2.5GbE Family Controller',
    NdisPhysicalMedium: 14,
    Virtual: false,
    ReceiveLinkSpeed: 2_500_000_000,
  },
  {
    Name: 'Wi-Fi',
    InterfaceDescription: 'Intel(R) Wi-Fi 6E AX211 160MHz',
    NdisPhysicalMedium: 9,
    Virtual: false,
    ReceiveLinkSpeed: 1_200_000_000,
  },
  {
    Name: 'Local Area Connection* 1',
    InterfaceDescription: 'Microsoft Wi-Fi Direct Virtual Adapter',
    NdisPhysicalMedium: 9,
    Virtual: false,
    ReceiveLinkSpeed: null,
  },
  {
    Name: 'Ethernet 3',
    InterfaceDescription: 'USB4(TM) P2P Network Adapter',
    NdisPhysicalMedium: 14,
    Virtual: false,
    ReceiveLinkSpeed: 20_000_000_000,
  },
  {
    Name: 'Tailscale',
    InterfaceDescription: 'Tailscale Tunnel',
    NdisPhysicalMedium: 19,
    Virtual: true,
    ReceiveLinkSpeed: 100_000_000_000,
  },
  {
    Name: 'vEthernet (Default Switch)',
    InterfaceDescription: 'Hyper-V Virtual Ethernet Adapter',
    NdisPhysicalMedium: 0,
    Virtual: true,
    ReceiveLinkSpeed: 10_000_000_000,
  },
  {
    Name: 'Bluetooth',
    InterfaceDescription: 'Bluetooth Device (Personal Area Network)',
    NdisPhysicalMedium: 10,
    Virtual: false,
    ReceiveLinkSpeed: 3_000_000,
  },
];

t.test('Windows', async (t) => {
  const expected: Readonly<Record<string, readonly [string, number | 'unknown']>> = {
    Ethernet: ['ethernet', megabits(2500)],
    'Wi-Fi': ['wifi', 'unknown'],
    'Local Area Connection* 1': ['virtual', 'unknown'],
    'Ethernet 3': ['thunderbolt', megabits(20_000)],
    Tailscale: ['vpn', 'unknown'],
    'vEthernet (Default Switch)': ['virtual', 'unknown'],
    Bluetooth: ['unknown', 'unknown'],
    'Loopback Pseudo-Interface 1': ['loopback', 'unknown'],
    'Ethernet 9': ['unknown', 'unknown'],
  };
  const found = describeWindowsInterfaces(Object.keys(expected), JSON.stringify(adapters));
  for (const [name, [kind, bytes]] of Object.entries(expected)) t.same(summary(found.get(name)), { kind, bytes }, name);
  t.equal(describeWindowsInterfaces(['Ethernet'], JSON.stringify(adapters[0])).get('Ethernet')?.kind, 'ethernet');
  for (const output of [undefined, '', 'Get-NetAdapter : not recognized', '[null, 7, "x"]']) {
    t.match(describeWindowsInterfaces(['Ethernet'], output).get('Ethernet'), { kind: 'unknown' }, String(output));
  }
});

t.test('addresses and facts together', async (t) => {
  const ipv6 = { family: 'IPv6', mac: '', netmask: 'ffff:ffff:ffff:ffff::', cidr: null, internal: false } as const;
  const addresses: NodeJS.Dict<NetworkInterfaceInfo[]> = {
    en0: [
      { address: '169.254.3.4', family: 'IPv4', netmask: '255.255.0.0', mac: '', cidr: null, internal: false },
      { ...ipv6, address: 'fe80::5', scopeid: 7 },
      { ...ipv6, address: 'fd00::5', scopeid: 0 },
    ],
    empty: [],
  };
  let now = 0;
  const asked: string[][] = [];
  const interfaces = new Interfaces(
    () => addresses,
    async (names) => {
      asked.push([...names]);
      return new Map();
    },
    () => now,
  );
  const [en0, ...others] = await interfaces.read();
  t.same(others, []);
  t.match(en0, { name: 'en0', kind: 'unknown', bandwidthBytesPerSecond: { unknown: /can tell/ } });
  t.same(en0?.addresses, [
    { address: '169.254.3.4', family: 'ipv4', prefixLength: 16, isLinkLocal: true },
    { address: 'fe80::5', family: 'ipv6', prefixLength: 64, isLinkLocal: true, scopeId: 7 },
    { address: 'fd00::5', family: 'ipv6', prefixLength: 64, isLinkLocal: false },
  ]);
  await interfaces.read();
  t.equal(asked.length, 1, 'what the system says of an interface is asked once');
  addresses.lo0 = [{ address: '127.0.0.1', family: 'IPv4', netmask: '255.0.0.0', mac: '', cidr: null, internal: true }];
  t.equal((await interfaces.read())[1]?.kind, 'loopback', 'the loopback interface is known everywhere');
  t.equal(asked.length, 2, 'and again when another one is there');
  now += 10 * 60_000;
  await interfaces.read();
  t.equal(asked.length, 3, 'and after a while');
});

t.test('this machine', async (t) => {
  const found = await new Interfaces().read();
  t.same(found.map(({ name }) => name).sort(), Object.keys(networkInterfaces()).sort());
  for (const { name, kind, kindFrom } of found) t.comment(`${name}: ${kind} (${kindFrom})`);
});
