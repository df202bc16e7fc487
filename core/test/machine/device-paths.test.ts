// How devices of a machine are joined: trees as Linux shows them, and what nvidia-smi, system_profiler and PowerShell print.
import { mkdirSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import {
  type ClusterTopology,
  type DevicePath,
  type MachineSource,
  readDevicePaths,
  systemSource,
  topologyGraph,
  withLinksOf,
} from '@shoal/core';
import { parseDevices, parseMatrix, parseStatus } from '@shoal/core/internal/machine/nvidia.js';
import { pciBytesPerSecond } from '@shoal/core/internal/machine/pci.js';
import t from 'tap';

type Programs = (program: string, args: readonly string[]) => string | undefined;

/** A machine whose files are a table. */
function machine(
  platform: NodeJS.Platform,
  files: Readonly<Record<string, string>> = {},
  programs: Programs = () => undefined,
): MachineSource {
  return {
    platform,
    text: async (path) => files[path],
    names: async (folder) => {
      const below = Object.keys(files).filter((path) => path.startsWith(`${folder}/`));
      return [...new Set(below.map((path) => path.slice(folder.length + 1).split('/')[0] ?? ''))].sort();
    },
    output: async (program, args) => programs(program, args),
  };
}

interface Part {
  readonly class: string;
  readonly vendor?: string;
  readonly speed?: string;
  readonly lanes?: string;
  readonly mostLanes?: string;
  readonly numa?: string;
}

/** Files of PCI devices, by their way from the root. */
function pci(parts: Readonly<Record<string, Part>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(parts).flatMap(([way, part]) => {
      const files: Record<string, string | undefined> = {
        class: part.class,
        vendor: part.vendor ?? '0x8086',
        device: '0x1234',
        max_link_speed: part.speed,
        current_link_width: part.lanes,
        max_link_width: part.mostLanes ?? part.lanes,
        numa_node: part.numa,
        // Others are there, too.
        irq: '16',
      };
      return Object.entries(files).flatMap(([name, text]) =>
        text === undefined ? [] : [[`/sys/devices/${way}/${name}`, `${text}\n`] as const],
      );
    }),
  );
}

const port = (speed = '16.0 GT/s PCIe', lanes = '16'): Part => ({ class: '0x060400', speed, lanes });
const card = (numa: string, more: Partial<Part> = {}): Part => ({
  class: '0x030200',
  vendor: '0x10de',
  speed: '16.0 GT/s PCIe',
  lanes: '16',
  numa,
  ...more,
});

/** Two processors: two cards below one switch and one beside it, and one at the other processor; and a network card. */
const server = pci({
  'pci0000:00/0000:00:00.0': { class: '0x060000' },
  'pci0000:00/0000:00:01.0': port(),
  'pci0000:00/0000:00:01.0/0000:01:00.0': port(),
  'pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:08.0': port(),
  'pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:08.0/0000:03:00.0': card('0'),
  'pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:10.0': port(),
  'pci0000:00/0000:00:01.0/0000:01:00.0/0000:02:10.0/0000:04:00.0': card('0'),
  'pci0000:00/0000:00:02.0': port('8.0 GT/s PCIe'),
  'pci0000:00/0000:00:02.0/0000:05:00.0': card('0', { lanes: '4', mostLanes: '16' }),
  'pci0000:80/0000:80:01.0': port('Unknown', '0'),
  'pci0000:80/0000:80:01.0/0000:81:00.0': card('1', { speed: '32.0 GT/s PCIe' }),
  'pci0000:80/0000:80:02.0/0000:82:00.0': { class: '0x020000', speed: '8.0 GT/s PCIe', lanes: '8', numa: '1' },
});

const gigabytes = ({ bandwidthBytesPerSecond: bandwidth }: DevicePath) =>
  'unknown' in bandwidth ? bandwidth.unknown : Math.round(bandwidth.value / 1e8) / 10;
const row = (path: DevicePath) => `${path.from ?? '-'} ${path.to} ${path.kind} ${gigabytes(path)}: ${path.over}`;

t.test('what a link carries', async (t) => {
  // Of the specification, for 16 lanes, in gigabytes a second.
  for (const [gigatransfersPerSecond, expected] of [
    [2.5, 4],
    [5, 8],
    [8, 15.8],
    [16, 31.5],
    [32, 63],
    [64, 121],
  ] as const) {
    t.equal(Math.round(pciBytesPerSecond({ gigatransfersPerSecond, lanes: 16 }) / 1e8) / 10, expected);
  }
});

t.test('a server with Linux', async (t) => {
  const { devices, paths, unknown } = await readDevicePaths(machine('linux', server));
  t.same(
    devices.map(({ id }) => id),
    ['0000:03:00.0', '0000:04:00.0', '0000:05:00.0', '0000:81:00.0'],
    'cards that compute, and no others',
  );
  t.match(devices[0], { name: 'NVIDIA device 1234' });
  t.same(paths.map(row), [
    '- 0000:03:00.0 pcie 31.5: 16 lanes of 16 GT/s, NUMA node 0',
    '- 0000:04:00.0 pcie 31.5: 16 lanes of 16 GT/s, NUMA node 0',
    '- 0000:05:00.0 pcie 7.9: 4 lanes of 16 GT/s, NUMA node 0',
    '- 0000:81:00.0 pcie 63: 16 lanes of 32 GT/s, NUMA node 1',
    '0000:03:00.0 0000:04:00.0 pcie 31.5: 16 lanes of 16 GT/s, one switch',
    '0000:03:00.0 0000:05:00.0 pcie 7.9: 4 lanes of 16 GT/s, the processor',
    '0000:03:00.0 0000:81:00.0 pcie 31.5: 16 lanes of 16 GT/s, two processors',
    '0000:04:00.0 0000:05:00.0 pcie 7.9: 4 lanes of 16 GT/s, the processor',
    '0000:04:00.0 0000:81:00.0 pcie 31.5: 16 lanes of 16 GT/s, two processors',
    '0000:05:00.0 0000:81:00.0 pcie 7.9: 4 lanes of 16 GT/s, two processors',
  ]);
  t.same(unknown, ['NVLink: nvidia-smi cannot be run']);
});

t.test('a real folder', { skip: process.platform === 'win32' && 'its names have no colons' }, async (t) => {
  const root = t.testdir();
  for (const [path, text] of Object.entries(server)) {
    mkdirSync(dirname(join(root, path)), { recursive: true });
    writeFileSync(join(root, path), text);
  }
  const found = await readDevicePaths(systemSource({ root }));
  t.same(found, await readDevicePaths(machine('linux', server)));
});

t.test('what is not there, or not told', async (t) => {
  t.match(await readDevicePaths(machine('linux')), { devices: [], unknown: ['/sys/devices lists no PCI bus'] });
  t.match(await readDevicePaths(machine('aix')), { devices: [], unknown: [/aix/] });
  const integrated = await readDevicePaths(
    machine('linux', pci({ 'pci0000:00/0000:00:02.0': { class: '0x030000', numa: '-1' } })),
  );
  t.match(integrated.paths, [
    { to: '0000:00:02.0', kind: 'unknown', bandwidthBytesPerSecond: { unknown: /integrated|within/ } },
  ]);
  const silent = await readDevicePaths(
    machine(
      'linux',
      pci({
        'pci0000:00/0000:00:01.0': { class: '0x060400' },
        'pci0000:00/0000:00:01.0/0000:01:00.0': { class: '0x120000', vendor: '0x1002' },
      }),
    ),
  );
  t.match(silent.devices, [{ name: 'AMD device 1234' }]);
  t.match(silent.paths, [
    { kind: 'pcie', over: 'an unknown link', bandwidthBytesPerSecond: { unknown: /neither speed/ } },
  ]);
  const broken: MachineSource = {
    ...machine('linux'),
    names: () => Promise.reject(new Error('the disk is gone')),
  };
  t.match(await readDevicePaths(broken), { devices: [], unknown: [/the disk is gone/] });
});

const escapeCharacter = String.fromCharCode(27);
const listOf = (...addresses: readonly string[]) =>
  addresses.map((address, index) => `${index}, 00000000:${address}`).join('\n');
const statusOf = (links: readonly (readonly string[])[]) =>
  links
    .map((states, index) =>
      [
        `GPU ${index}: NVIDIA A100-SXM4-40GB (UUID: GPU-00000000-0000-0000-0000-00000000000${index})`,
        ...states.map((state, link) => `\t Link ${link}: ${state}`),
      ].join('\n'),
    )
    .join('\n');
const up = (count: number, speed = '25 GB/s') => Array.from({ length: count }, () => speed);

const nvidia =
  (list: string, matrix?: string, status?: string): Programs =>
  (program, args) => {
    if (program !== '/usr/bin/nvidia-smi') return undefined;
    if (args.includes('topo')) return matrix;
    return args.includes('nvlink') ? status : list;
  };

/** As a V100 machine prints it. */
const cubeMesh = `\tGPU0\tGPU1\tGPU2\tGPU3\tCPU Affinity\tNUMA Affinity
GPU0\t X \tNV1\tNV1\tNV2\t0-31\t\tN/A
GPU1\tNV1\t X \tNV2\tNV1\t0-31\t\tN/A
GPU2\tNV1\tNV2\t X \tSYS\t0-31\t\tN/A
GPU3\tNV2\tNV1\tSYS\t X \t0-31\t\tN/A

Legend:

  X    = Self
  SYS  = Connection traversing PCIe as well as the SMP interconnect between NUMA nodes (e.g., QPI/UPI)
  NV#  = Connection traversing a bonded set of # NVLinks
`;

t.test('what nvidia-smi prints', async (t) => {
  t.same(parseDevices('0, 00000000:03:00.0\n1, 0000000A:C1:00.0\nNVIDIA-SMI has failed\n'), [
    { index: 0, address: '0000:03:00.0' },
    { index: 1, address: '000a:c1:00.0' },
  ]);
  t.same(
    [...parseMatrix(cubeMesh)],
    [
      ['0 1', 1],
      ['0 2', 1],
      ['0 3', 2],
      ['1 2', 2],
      ['1 3', 1],
    ],
  );
  const underlined = `\t${escapeCharacter}[4mGPU0\tGPU1\tNIC0\tCPU Affinity${escapeCharacter}[0m\nGPU0\t X \tNV18\tPIX\t0-31\nGPU1\tNV18\t X \tSYS\t0-31\nNIC0\tPIX\tSYS\t X \t\n`;
  t.same([...parseMatrix(underlined)], [['0 1', 18]]);
  t.same([...parseMatrix('NVIDIA-SMI has failed because it could not communicate with the driver')], []);
  const status = statusOf([['26.562 GB/s', '<inactive>', '26.562 GB/s'], ['26.562 GB/s']]);
  t.same(
    [...parseStatus(status)],
    [
      [0, [26.562e9, 26.562e9]],
      [1, [26.562e9]],
    ],
  );
  const dead =
    'GPU 0: NVIDIA GeForce RTX 3090 (UUID: GPU-a)\nNVML: Unable to retrieve NVLink information as all links are inActive\n';
  t.same([...parseStatus(dead)], [[0, []]]);
});

t.test('cards with NVLink', async (t) => {
  const cards = ['03:00.0', '04:00.0', '05:00.0', '81:00.0'];
  const read = async (programs: Programs, files = server) => {
    const { paths, unknown } = await readDevicePaths(machine('linux', files, programs));
    return { unknown, rows: paths.filter(({ kind }) => kind !== 'pcie').map(row) };
  };
  t.same(await read(nvidia(listOf(...cards), cubeMesh, statusOf([up(6), up(6), up(6), up(6)]))), {
    unknown: [],
    rows: [
      '0000:03:00.0 0000:04:00.0 nvlink 25: 1 links',
      '0000:03:00.0 0000:05:00.0 nvlink 25: 1 links',
      '0000:03:00.0 0000:81:00.0 nvlink 50: 2 links',
      '0000:04:00.0 0000:05:00.0 nvlink 50: 2 links',
      '0000:04:00.0 0000:81:00.0 nvlink 25: 1 links',
    ],
  });

  // Twelve links of each to each of three others are more than it has: they lead through a switch.
  const all = (count: number) => {
    const rows = [0, 1, 2].map((one) =>
      [`GPU${one}`, ...[0, 1, 2].map((other) => (one === other ? ' X ' : `NV${count}`)), '0-63'].join('\t'),
    );
    return ['\tGPU0\tGPU1\tGPU2\tCPU Affinity', ...rows, ''].join('\n');
  };
  const three = listOf(...cards.slice(0, 3));
  const switched = await read(nvidia(three, all(12), statusOf([up(12), up(12), up(12)])));
  t.equal(switched.rows[0], '0000:03:00.0 0000:04:00.0 nvswitch 300: 12 links');
  const degraded = await read(nvidia(three, all(12), statusOf([up(12), up(7), up(12)])));
  t.equal(
    degraded.rows[0],
    '0000:03:00.0 0000:04:00.0 nvswitch 175: 7 of 12 links',
    'links that are down do not count',
  );
  const silent = await read(nvidia(three, all(2), undefined));
  t.equal(silent.rows[0], '0000:03:00.0 0000:04:00.0 nvlink nvidia-smi does not tell the speed of the links: 2 links');
  const listed = { ...server, ...pci({ 'pci0000:00/0000:00:03.0': { class: '0x068000', vendor: '0x10de' } }) };
  const two = await read(nvidia(listOf(...cards.slice(0, 2)), all(12), statusOf([up(12), up(12)])), listed);
  t.same(two.rows, ['0000:03:00.0 0000:04:00.0 nvswitch 300: 12 links'], 'the switch itself is on the bus');

  const dead = statusOf([[], [], []]);
  t.same((await read(nvidia(three, all(2), dead))).rows, [], 'links that are all down are none');
  t.match(await read(nvidia('NVIDIA-SMI has failed', undefined)), {
    unknown: [/lists no device: NVIDIA-SMI has failed/],
  });
  t.match(await read(nvidia(three, undefined)), { unknown: [/no matrix/] });
  t.same(
    (await read(nvidia(listOf('03:00.0', 'ff:00.0'), all(2), statusOf([up(2), up(2)])))).rows,
    [],
    'of devices that are there',
  );
});

t.test('a Mac', async (t) => {
  const apple = {
    SPDisplaysDataType: [
      { _name: 'Apple M2', sppci_bus: 'spdisplays_builtin', sppci_cores: '10', sppci_model: 'Apple M2' },
    ],
    SPPCIDataType: [],
  };
  const profiler = (report: unknown) =>
    machine('darwin', {}, (program, args) => {
      t.equal(program, '/usr/sbin/system_profiler');
      t.same(args, ['-json', 'SPDisplaysDataType', 'SPPCIDataType']);
      return typeof report === 'string' ? report : JSON.stringify(report);
    });
  t.match(await readDevicePaths(profiler(apple)), {
    devices: [{ id: 'gpu0', name: 'Apple M2' }],
    paths: [{ to: 'gpu0', kind: 'shared-memory', bandwidthBytesPerSecond: { unknown: String } }],
    unknown: [],
  });
  const intel = {
    SPDisplaysDataType: [
      { sppci_model: 'Intel UHD Graphics 630', sppci_bus: 'spdisplays_builtin', 'spdisplays_device-id': '0x3e9b' },
      {
        sppci_model: 'AMD Radeon Pro 5300M',
        sppci_bus: 'spdisplays_pcie_device',
        spdisplays_pcie_width: 'x16',
        'spdisplays_device-id': '0x7340',
      },
      {
        sppci_model: 'AMD Radeon RX 580',
        sppci_bus: 'spdisplays_pcie_device',
        spdisplays_pcie_width: 'x4',
        'spdisplays_device-id': '0x67df',
      },
    ],
    SPPCIDataType: [
      {
        _name: 'Radeon RX 580',
        sppci_device_type: 'spdisplays_gpu',
        sppci_slot_name: 'Thunderbolt@197,0,0',
        'sppci_device-id': '0x67df',
        'sppci_link-width': 'x4',
        'sppci_link-speed': '8.0 GT/s',
      },
    ],
  };
  const { paths } = await readDevicePaths(profiler(intel));
  t.same(paths.map(row), [
    '- gpu0 shared-memory macOS does not tell how fast its memory is: the memory of the processor',
    '- gpu1 pcie macOS does not tell the speed of its lanes: 16 lanes',
    '- Thunderbolt@197,0,0 thunderbolt 3.9: 4 lanes of 8 GT/s',
  ]);
  t.match(await readDevicePaths(profiler('no JSON')), { devices: [], unknown: [/something else than JSON/] });
  t.match(await readDevicePaths(profiler('null')), { devices: [], unknown: [/no graphics processor/] });
  t.match(await readDevicePaths(machine('darwin')), { devices: [], unknown: [/cannot be run/] });
});

t.test('Windows', async (t) => {
  const windows = (answer: unknown, nvidiaSmi?: Programs) =>
    machine('win32', {}, (program, args) => {
      if (program.endsWith('nvidia-smi.exe')) return nvidiaSmi?.('/usr/bin/nvidia-smi', args);
      t.match(program, /powershell\.exe$/);
      return typeof answer === 'string' ? answer : JSON.stringify(answer);
    });
  const two = [
    {
      instance: 'PCI\\VEN_10DE&DEV_2684&SUBSYS_167C10DE&REV_A1\\4&1FC990D7&0&0008',
      name: 'NVIDIA GeForce RTX 4090',
      bus: 1,
      address: 0,
      speed: 4,
      width: 16,
    },
    {
      instance: 'PCI\\VEN_8086&DEV_A780\\3&11583659&0&10',
      name: 'Intel UHD',
      bus: 0,
      address: 0x20000,
      speed: null,
      width: null,
    },
    { instance: 'SWD\\REMOTEDISPLAYENUM\\RDPIDD', name: 'Remote display' },
  ];
  const { devices, paths, unknown } = await readDevicePaths(windows(two));
  t.same(devices, [
    { id: '0000:01:00.0', name: 'NVIDIA GeForce RTX 4090' },
    { id: '0000:00:02.0', name: 'Intel UHD' },
  ]);
  t.same(paths.map(row), [
    '- 0000:01:00.0 pcie 31.5: 16 lanes of 16 GT/s',
    '- 0000:00:02.0 pcie its driver tells neither speed nor width of its link: an unknown link',
  ]);
  t.same(unknown, ['NVLink: nvidia-smi cannot be run']);
  t.match(await readDevicePaths(windows([])), { devices: [], unknown: [/no graphics processor/] });
  t.match(await readDevicePaths(windows('{')), { devices: [], unknown: [/something else than JSON/] });
});

t.test('in the graph, devices of backends are joined by what the machine tells', async (t) => {
  const cards = ['03:00.0', '04:00.0'];
  const matrix = '\tGPU0\tGPU1\nGPU0\t X \tNV4\nGPU1\tNV4\t X \n';
  const devicePaths = await readDevicePaths(
    machine('linux', server, nvidia(listOf(...cards), matrix, statusOf([up(4), up(4)]))),
  );
  const topology: ClusterTopology = {
    nodes: [
      {
        nodeId: 'a',
        nodeName: 'a',
        interfaces: [],
        devices: [
          { backend: 'cpu', deviceId: 'cpu', kind: 'cpu', name: 'cpu' },
          ...cards.map((address, index) => ({
            backend: 'cuda',
            deviceId: `cuda${index}`,
            kind: 'gpu' as const,
            name: 'A100',
            pciAddress: `0000:${address}`,
          })),
        ],
        devicePaths,
      },
    ],
    links: [],
    failures: [],
  };
  const graph = topologyGraph(topology);
  t.equal(graph.numNodes(), 4);
  t.equal(withLinksOf(graph, ['nvlink']).numEdges(), 2, 'NVLink in both directions');
  t.equal(withLinksOf(graph, ['pcie']).numEdges(), 2 + 4, 'the bus between them, and to the processor');
  t.equal(withLinksOf(graph, ['shared-memory']).numEdges(), 2);
  t.equal(withLinksOf(graph, ['unknown']).numEdges(), 0);
  const [[, , link] = []] = withLinksOf(graph, ['nvlink']).weightedEdgeList();
  t.same(link?.bandwidthBytesPerSecond, { value: 100e9, source: 'operating-system' });
});
