/** Graphics processors of a Mac, by what `system_profiler` prints. */
import type { DevicePath } from '../spec/link.js';
import type { BusListing } from './device-paths.js';
import { describePciLink, pciBytesPerSecond } from './pci.js';
import { reported, unknown } from './reading.js';
import type { MachineSource } from './source.js';

const systemProfiler = '/usr/sbin/system_profiler';

interface Item {
  readonly _name?: string;
  readonly sppci_model?: string;
  readonly sppci_bus?: string;
  readonly sppci_device_type?: string;
  readonly sppci_slot_name?: string;
  readonly spdisplays_pcie_width?: string;
  readonly 'sppci_link-width'?: string;
  readonly 'sppci_link-speed'?: string;
  readonly 'sppci_device-id'?: string;
  readonly 'spdisplays_device-id'?: string;
}

export async function macosDevices(source: MachineSource): Promise<BusListing> {
  const none = { devices: [], paths: [], hasNvidiaSwitch: false };
  const text = await source.output(systemProfiler, ['-json', 'SPDisplaysDataType', 'SPPCIDataType']);
  if (text === undefined) return { ...none, unknown: ['system_profiler cannot be run'] };
  let report: { readonly SPDisplaysDataType?: readonly Item[]; readonly SPPCIDataType?: readonly Item[] };
  try {
    report = JSON.parse(text) as typeof report;
  } catch {
    return { ...none, unknown: ['system_profiler answers with something else than JSON'] };
  }
  const cards = Array.isArray(report?.SPPCIDataType) ? report.SPPCIDataType : [];
  const displays = Array.isArray(report?.SPDisplaysDataType) ? report.SPDisplaysDataType : [];
  const found = displays.map((item: Item, index) => {
    const name = item.sppci_model ?? item._name ?? 'graphics processor';
    const card = cards.find((one) => isSame(one, item));
    return { id: card?.sppci_slot_name ?? `gpu${index}`, name, path: pathOf(item, card) };
  });
  return {
    devices: found.map(({ id, name }) => ({ id, name })),
    paths: found.map(({ id, path }) => ({ to: id, ...path })),
    unknown: found.length === 0 ? ['system_profiler lists no graphics processor'] : [],
    hasNvidiaSwitch: false,
  };
}

/** Both lists have the device's number; cards in slots are in the second one. */
function isSame(card: Item, display: Item): boolean {
  const isGraphics = /gpu|display/i.test(card.sppci_device_type ?? '');
  const [one, other] = [card['sppci_device-id'], display['spdisplays_device-id']];
  return isGraphics && one !== undefined && one === other;
}

function pathOf(item: Item, card: Item | undefined): Omit<DevicePath, 'to'> {
  if (item.sppci_bus === 'spdisplays_builtin') {
    return {
      kind: 'shared-memory',
      over: 'the memory of the processor',
      bandwidthBytesPerSecond: unknown('macOS does not tell how fast its memory is'),
    };
  }
  const isCable = /thunderbolt/i.test(card?.sppci_slot_name ?? '');
  const kind = isCable ? 'thunderbolt' : 'pcie';
  const lanes = Number(/^x(\d+)$/.exec(card?.['sppci_link-width'] ?? item.spdisplays_pcie_width ?? '')?.[1]);
  const gigatransfersPerSecond = Number.parseFloat(card?.['sppci_link-speed'] ?? '');
  if (lanes > 0 && gigatransfersPerSecond > 0) {
    const link = { lanes, gigatransfersPerSecond };
    return { kind, over: describePciLink(link), bandwidthBytesPerSecond: reported(pciBytesPerSecond(link)) };
  }
  const over = lanes > 0 ? `${lanes} lanes` : 'an unknown link';
  return { kind, over, bandwidthBytesPerSecond: unknown('macOS does not tell the speed of its lanes') };
}
