/** Graphics processors of a machine with Windows, by what their driver model says of their link. */
import type { DevicePath } from '../spec/link.js';
import type { BusListing } from './device-paths.js';
import { describePciLink, pciBytesPerSecond } from './pci.js';
import { askPowerShell } from './powershell.js';
import { reported, unknown } from './reading.js';
import type { MachineSource } from './source.js';

/** Fixed text, nothing is put into it. What a device does not say is null. */
const script = [
  "$ErrorActionPreference='SilentlyContinue';$ProgressPreference='SilentlyContinue'",
  '$d=@(Get-PnpDevice -Class Display -PresentOnly|ForEach-Object{$i=$_.InstanceId;' +
    '$v={param($k)(Get-PnpDeviceProperty -InstanceId $i -KeyName $k).Data};' +
    '@{instance=$i;name=$_.FriendlyName;bus=(& $v DEVPKEY_Device_BusNumber);address=(& $v DEVPKEY_Device_Address);' +
    'speed=(& $v DEVPKEY_PciDevice_MaxLinkSpeed);width=(& $v DEVPKEY_PciDevice_CurrentLinkWidth)}})',
  'ConvertTo-Json -Compress -Depth 3 -InputObject $d',
].join(';');

interface Answer {
  readonly instance?: string | null;
  readonly name?: string | null;
  readonly bus?: number | null;
  /** The number of the device in the upper half, that of the function in the lower one. */
  readonly address?: number | null;
  /** The generation of PCI Express. */
  readonly speed?: number | null;
  readonly width?: number | null;
}

const generations = [2.5, 5, 8, 16, 32, 64];

export async function windowsDevices(source: MachineSource): Promise<BusListing> {
  const found = await askPowerShell(source, script);
  if ('problem' in found) return { devices: [], paths: [], hasNvidiaSwitch: false, unknown: [found.problem] };
  const { answer } = found;
  const all = (Array.isArray(answer) ? answer : [answer]) as readonly (Answer | null)[];
  // Displays of remote sessions and of software are on no bus.
  const devices = all.flatMap((one) =>
    one?.instance?.startsWith('PCI\\') ? [{ ...one, instance: one.instance }] : [],
  );
  return {
    devices: devices.map((one) => {
      const vendor = /VEN_([0-9A-F]{4})/i.exec(one.instance)?.[1]?.toLowerCase();
      return {
        id: idOf(one),
        name: one.name ?? 'graphics processor',
        ...(vendor === undefined ? {} : { vendor }),
      };
    }),
    paths: devices.map((one) => ({ to: idOf(one), ...pathOf(one) })),
    unknown: devices.length === 0 ? ['Windows lists no graphics processor on a PCI bus'] : [],
    hasNvidiaSwitch: false,
  };
}

/** Windows counts no domains; machines with several have their devices told apart by their instance. */
function idOf({ bus, address, instance }: Answer & { readonly instance: string }): string {
  if (typeof bus !== 'number' || typeof address !== 'number') return instance;
  const hex = (value: number, digits: number) => value.toString(16).padStart(digits, '0');
  return `0000:${hex(bus, 2)}:${hex(address >>> 16, 2)}.${address & 7}`;
}

function pathOf({ speed, width }: Answer): Omit<DevicePath, 'to'> {
  const gigatransfersPerSecond = generations[(speed ?? 0) - 1];
  if (gigatransfersPerSecond === undefined || !width) {
    return {
      kind: 'pcie',
      over: 'an unknown link',
      bandwidthBytesPerSecond: unknown('its driver tells neither speed nor width of its link'),
    };
  }
  const link = { gigatransfersPerSecond, lanes: width };
  return { kind: 'pcie', over: describePciLink(link), bandwidthBytesPerSecond: reported(pciBytesPerSecond(link)) };
}
