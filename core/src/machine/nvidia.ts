/** NVLink and NVSwitch, by what `nvidia-smi` prints of the matrix of its devices and the state of each link. */
import { join } from 'node:path/win32';
import type { DevicePath, DevicePaths } from '../spec/link.js';
import { reported, unknown } from './reading.js';
import type { MachineSource } from './source.js';

// Full paths: a program of the same name elsewhere is none of ours. The second one is that of Windows' Linux.
const linuxPrograms = ['/usr/bin/nvidia-smi', '/usr/lib/wsl/lib/nvidia-smi'];

export interface NvidiaDevice {
  readonly index: number;
  /** As /sys writes it. */
  readonly address: string;
}

/** `hasSwitch`: whether the system lists NVSwitches. */
export async function nvidiaPaths(
  source: MachineSource,
  hasSwitch: boolean,
): Promise<Pick<DevicePaths, 'paths' | 'unknown'>> {
  const programs =
    source.platform === 'win32'
      ? [join(process.env.SystemRoot ?? 'C:\\Windows', 'System32', 'nvidia-smi.exe')]
      : linuxPrograms;
  for (const program of programs) {
    const list = await source.output(program, ['--query-gpu=index,pci.bus_id', '--format=csv,noheader']);
    if (list === undefined) continue;
    const devices = parseDevices(list);
    if (devices.length === 0) return { paths: [], unknown: [`nvidia-smi lists no device: ${firstLine(list)}`] };
    const [matrix, status] = await Promise.all([
      source.output(program, ['topo', '-m']),
      source.output(program, ['nvlink', '--status']),
    ]);
    return linkPaths(devices, matrix, status, hasSwitch);
  }
  return { paths: [], unknown: ['NVLink: nvidia-smi cannot be run'] };
}

const firstLine = (text: string): string => text.trim().split('\n')[0]?.slice(0, 200) ?? '';

/** Lines of `0, 00000000:65:00.0`. */
export function parseDevices(text: string): NvidiaDevice[] {
  return text.split('\n').flatMap((line) => {
    const [, index, domain, rest] =
      /^\s*(\d+)\s*,\s*([0-9a-f]{4,8}):([0-9a-f]{2}:[0-9a-f]{2}\.[0-7])\s*$/i.exec(line) ?? [];
    if (index === undefined || domain === undefined || rest === undefined) return [];
    return [{ index: Number(index), address: `${domain.slice(-4)}:${rest}`.toLowerCase() }];
  });
}

/** Links between two devices, by `0 1`, the lower index first. Cells are `NV4` for four of them; others share a bus only. */
export function parseMatrix(text: string): ReadonlyMap<string, number> {
  const found = new Map<string, number>();
  const lines = stripColours(text).split('\n');
  const header =
    lines
      .find((line) => /^\s*GPU\d+(\s|$)/.test(line))
      ?.trim()
      .split(/\s+/) ?? [];
  const columns = header.map((name) => /^GPU(\d+)$/.exec(name)?.[1]);
  const isHeader = (line: string) => line.trim().split(/\s+/)[1]?.startsWith('GPU') === true;
  for (const line of lines.filter((one) => /^\s*GPU\d+\s/.test(one) && !isHeader(one))) {
    const [name = '', ...cells] = line.trim().split(/\s+/);
    const row = Number(/^GPU(\d+)$/.exec(name)?.[1]);
    for (const [position, column] of columns.entries()) {
      const count = /^NV(\d+)$/.exec(cells[position] ?? '')?.[1];
      if (column === undefined || count === undefined || row >= Number(column)) continue;
      found.set(`${row} ${column}`, Number(count));
    }
  }
  return found;
}

/** Bytes a second, one way, of each link that is up, by device. */
export function parseStatus(text: string): ReadonlyMap<number, readonly number[]> {
  const found = new Map<number, number[]>();
  let current: number[] | undefined;
  for (const line of text.split('\n')) {
    const device = /^\s*GPU (\d+):/.exec(line)?.[1];
    if (device !== undefined) {
      current = [];
      found.set(Number(device), current);
    }
    const speed = Number(/^\s*Link \d+:\s*([\d.]+) GB\/s/.exec(line)?.[1]);
    if (speed > 0) current?.push(speed * 1e9);
  }
  return found;
}

function linkPaths(
  devices: readonly NvidiaDevice[],
  matrix: string | undefined,
  status: string | undefined,
  hasSwitch: boolean,
): Pick<DevicePaths, 'paths' | 'unknown'> {
  if (devices.length < 2) return { paths: [], unknown: [] };
  if (matrix === undefined) return { paths: [], unknown: ['NVLink: nvidia-smi prints no matrix of its devices'] };
  const links = parseMatrix(matrix);
  const speeds = parseStatus(status ?? '');
  const addressOf = new Map(devices.map(({ index, address }) => [index, address]));
  const all = [...links].map(([key, count]) => {
    const [one = -1, other = -1] = key.split(' ').map(Number);
    return { one, other, count };
  });
  const paths = all.flatMap(({ one, other, count }): DevicePath[] => {
    const [from, to] = [addressOf.get(one), addressOf.get(other)];
    if (from === undefined || to === undefined) return [];
    const up = [speeds.get(one), speeds.get(other)].flatMap((list) => (list === undefined ? [] : [list]));
    // A link that is down stays in the matrix.
    const working = Math.min(count, ...up.map((list) => list.length));
    if (up.length === 2 && working === 0) return [];
    const slowest = Math.min(...up.flat());
    const isSwitched = hasSwitch || sharesLinks(all, one, speeds) || sharesLinks(all, other, speeds);
    return [
      {
        from,
        to,
        kind: isSwitched ? 'nvswitch' : 'nvlink',
        over: working === count ? `${count} links` : `${working} of ${count} links`,
        bandwidthBytesPerSecond:
          up.length === 2 ? reported(working * slowest) : unknown('nvidia-smi does not tell the speed of the links'),
      },
    ];
  });
  return { paths, unknown: [] };
}

/** A device that counts more links to others than it has shares them out through a switch. */
function sharesLinks(
  all: readonly { readonly one: number; readonly other: number; readonly count: number }[],
  device: number,
  speeds: ReadonlyMap<number, readonly number[]>,
): boolean {
  const own = speeds.get(device)?.length;
  const counted = all.filter(({ one, other }) => one === device || other === device);
  return own !== undefined && own > 0 && counted.reduce((sum, { count }) => sum + count, 0) > own;
}

/** The header is underlined on newer drivers, also where no terminal reads it. */
function stripColours(text: string): string {
  return text.replaceAll(new RegExp(`${String.fromCharCode(27)}\\[[0-9;]*m`, 'g'), '');
}
