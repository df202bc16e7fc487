/**
 * How devices of one machine are joined, with each other and with the processor: what the system and the drivers tell of
 * PCI Express, NVLink and NVSwitch. Nothing here is measured; what is not told is a value with a reason.
 */
import type { BusDevice, DevicePath, DevicePaths } from '../spec/link.js';
import { macosDevices } from './macos-devices.js';
import { nvidiaPaths } from './nvidia.js';
import { linuxPciDevices, nvidiaVendor } from './pci.js';
import { readWithin } from './reading.js';
import type { MachineSource } from './source.js';
import { windowsDevices } from './windows-devices.js';

const readDeadlineMilliseconds = 6000;

/** Never rejects. */
export function readDevicePaths(source: MachineSource): Promise<DevicePaths> {
  return readWithin(
    readDeadlineMilliseconds,
    async () => {
      const found = await busDevices(source);
      // A machine without a card of theirs need not be asked.
      const mayHaveNvidia = found.devices.some(({ vendor }) => vendor === nvidiaVendor);
      const driver = mayHaveNvidia ? await nvidiaPaths(source, found.hasNvidiaSwitch) : { paths: [], unknown: [] };
      return mergePaths(found, driver);
    },
    (reason) => ({ devices: [], paths: [], unknown: [reason] }),
  );
}

/** What the system's own list of devices says. */
export interface BusListing {
  readonly devices: readonly (BusDevice & { readonly vendor?: string })[];
  readonly paths: readonly DevicePath[];
  readonly unknown: readonly string[];
  /** Whether switches between NVIDIA's cards are listed. */
  readonly hasNvidiaSwitch: boolean;
}

async function busDevices(source: MachineSource): Promise<BusListing> {
  switch (source.platform) {
    case 'linux':
      return linuxPciDevices(source);
    case 'darwin':
      return macosDevices(source);
    case 'win32':
      return windowsDevices(source);
    default:
      return {
        devices: [],
        paths: [],
        unknown: [`devices are not looked for on ${source.platform}`],
        hasNvidiaSwitch: false,
      };
  }
}

/** What a driver says of two devices goes before the bus that they share; both stay, for data may take either. */
function mergePaths(
  { devices, paths, unknown }: BusListing,
  driver: Pick<DevicePaths, 'paths' | 'unknown'>,
): DevicePaths {
  const known = new Set(devices.map(({ id }) => id));
  // A container may be given fewer devices than its driver lists.
  const usable = driver.paths.filter(({ from, to }) => known.has(to) && (from === undefined || known.has(from)));
  return {
    devices: devices.map(({ id, name }) => ({ id, name })),
    paths: [...usable, ...paths],
    unknown: [...unknown, ...driver.unknown],
  };
}
