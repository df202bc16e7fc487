/** PCI Express: what a link of so many lanes carries, and what Linux's /sys says of devices and the bridges above them. */
import type { DevicePath } from '../spec/link.js';
import type { BusListing } from './device-paths.js';
import { reported, unknown } from './reading.js';
import { type MachineSource, numberIn, trimmedText } from './source.js';

export interface PciLink {
  readonly gigatransfersPerSecond: number;
  readonly lanes: number;
}

/** One way. Lanes carry a bit a transfer, of which 8 in 10, later 128 in 130, and since 64 GT/s 242 in 256 are data. */
export function pciBytesPerSecond({ gigatransfersPerSecond: rate, lanes }: PciLink): number {
  const share = rate < 8 ? 0.8 : rate < 64 ? 128 / 130 : 242 / 256;
  return ((rate * 1e9) / 8) * share * lanes;
}

export function describePciLink({ gigatransfersPerSecond, lanes }: PciLink): string {
  return `${lanes} lanes of ${gigatransfersPerSecond} GT/s`;
}

const slower = (left: PciLink, right: PciLink): PciLink =>
  pciBytesPerSecond(left) <= pciBytesPerSecond(right) ? left : right;

interface PciNode {
  readonly address: string;
  /** Of the link to what is above it; absent: it has none, or nobody knows. */
  readonly link: PciLink | undefined;
}

interface Card {
  readonly address: string;
  readonly name: string;
  readonly vendor: string;
  readonly numaNode: number | undefined;
  /** From the root down to the card itself. */
  readonly way: readonly PciNode[];
  readonly root: string;
}

const addressPattern = /^[0-9a-f]{4,8}:[0-9a-f]{2}:[0-9a-f]{2}\.[0-7]$/;
const rootPattern = /^pci[0-9a-f]{4,8}:[0-9a-f]{2}$/;
/** Switches below switches, and machines with thousands of virtual functions. */
const maximumDepth = 16;
const maximumNodes = 4096;

export const nvidiaVendor = '10de';
const vendors: Readonly<Record<string, string>> = { [nvidiaVendor]: 'NVIDIA', '1002': 'AMD', '8086': 'Intel' };
/** Base classes of PCI: display controllers, and processing accelerators. */
const cardClasses = ['03', '12'];
const bridgeClass = '0680';

export async function linuxPciDevices(source: MachineSource): Promise<BusListing> {
  const roots = (await source.names('/sys/devices')).filter((name) => rootPattern.test(name));
  if (roots.length === 0) {
    return { devices: [], paths: [], unknown: ['/sys/devices lists no PCI bus'], hasNvidiaSwitch: false };
  }
  const reader = new PciReader(source);
  for (const root of roots) await reader.read(root);
  const { cards, hasNvidiaSwitch } = reader;
  return {
    devices: cards.map(({ address, name, vendor }) => ({ id: address, name, vendor })),
    paths: [...cards.map(pathToProcessor), ...pairs(cards).map(([one, other]) => pathBetween(one, other))],
    unknown: [],
    hasNvidiaSwitch,
  };
}

class PciReader {
  readonly cards: Card[] = [];
  hasNvidiaSwitch = false;
  #count = 0;

  constructor(readonly source: MachineSource) {}

  async read(root: string): Promise<void> {
    await this.#readBelow(`/sys/devices/${root}`, root, []);
  }

  async #readBelow(folder: string, root: string, above: readonly PciNode[]): Promise<void> {
    if (above.length >= maximumDepth) return;
    const addresses = (await this.source.names(folder)).filter((name) => addressPattern.test(name));
    for (const address of addresses) {
      if (this.#count++ >= maximumNodes) return;
      const place = `${folder}/${address}`;
      const node: PciNode = { address, link: await this.#link(place) };
      const way = [...above, node];
      await this.#look(place, root, way);
      await this.#readBelow(place, root, way);
    }
  }

  async #look(place: string, root: string, way: readonly PciNode[]): Promise<void> {
    const [classCode, vendorCode, deviceCode] = await Promise.all(
      ['class', 'vendor', 'device'].map(async (file) => (await trimmedText(this.source, `${place}/${file}`))?.slice(2)),
    );
    const vendor = vendorCode ?? '';
    if (vendor === nvidiaVendor && classCode?.startsWith(bridgeClass)) this.hasNvidiaSwitch = true;
    if (!cardClasses.some((prefix) => classCode?.startsWith(prefix))) return;
    const numaNode = await numberIn(this.source, `${place}/numa_node`);
    const address = way.at(-1)?.address ?? '';
    this.cards.push({
      address,
      name: `${vendors[vendor] ?? vendor} device ${deviceCode ?? 'unknown'}`,
      vendor,
      // Minus one: the firmware does not say.
      numaNode: numaNode === undefined || numaNode < 0 ? undefined : numaNode,
      way,
      root,
    });
  }

  /**
   * Cards at rest lower their speed and not their width: so the speed is the most that it can be, the width as it is. The
   * port above tells the same of its own end, where it allows less.
   */
  async #link(place: string): Promise<PciLink | undefined> {
    const speed = Number.parseFloat((await trimmedText(this.source, `${place}/max_link_speed`)) ?? '');
    const now = await numberIn(this.source, `${place}/current_link_width`);
    const lanes = now || (await numberIn(this.source, `${place}/max_link_width`));
    return speed > 0 && lanes !== undefined && lanes > 0 && lanes < 255
      ? { gigatransfersPerSecond: speed, lanes }
      : undefined;
  }
}

/** The narrowest link of a way; undefined: none of them is known. */
function narrowest(way: readonly PciNode[]): PciLink | undefined {
  const links = way.flatMap(({ link }) => link ?? []);
  return links.length === 0 ? undefined : links.reduce(slower);
}

const noLink = 'the system tells neither speed nor width of its link';

function pathOf(way: readonly PciNode[], ends: Pick<DevicePath, 'from' | 'to'>, remark: string): DevicePath {
  const link = narrowest(way);
  return {
    ...ends,
    kind: 'pcie',
    over: [link === undefined ? 'an unknown link' : describePciLink(link), remark].filter(Boolean).join(', '),
    bandwidthBytesPerSecond: link === undefined ? unknown(noLink) : reported(pciBytesPerSecond(link)),
  };
}

function pathToProcessor({ address, way, numaNode }: Card): DevicePath {
  if (way.length === 1 && way[0]?.link === undefined) {
    const unmeasured = unknown('it has no link of its own, as graphics processors within a processor have none');
    return { to: address, kind: 'unknown', over: "the processor's own bus", bandwidthBytesPerSecond: unmeasured };
  }
  return pathOf(way, { to: address }, numaNode === undefined ? '' : `NUMA node ${numaNode}`);
}

function pathBetween(one: Card, other: Card): DevicePath {
  const shared = one.way.filter((node) => other.way.includes(node)).length;
  const own = [one, other].map(({ way }) => way.slice(shared));
  return pathOf(own.flat(), { from: one.address, to: other.address }, meeting(one, other, shared));
}

/** Where the ways of two cards meet. */
function meeting(one: Card, other: Card, shared: number): string {
  if (shared > 0) {
    // Below the port that both share: a port of the switch and the card, unless there are more switches.
    const isDirect = [one, other].every(({ way }) => way.length - shared <= 2);
    return isDirect ? 'one switch' : 'several switches';
  }
  if (one.root === other.root) return 'the processor';
  if (one.numaNode === undefined || other.numaNode === undefined) return 'the processor, or two of them';
  return one.numaNode === other.numaNode ? 'the processor' : 'two processors';
}

function pairs<Item>(items: readonly Item[]): [Item, Item][] {
  return items.flatMap((one, index) => items.slice(index + 1).map((other): [Item, Item] => [one, other]));
}
