import type { ClusterTopology } from 'shoal';
import { devicePathLines, failureLines, linkLines, nodeLines } from 'shoal/internal/command/commands/topology.js';
import t from 'tap';

const unknown = { unknown: 'not asked' } as const;
const eth0 = { name: 'eth0', kind: 'ethernet', kindFrom: '', bandwidthBytesPerSecond: unknown, addresses: [] } as const;

const topology: ClusterTopology = {
  nodes: [
    {
      nodeId: 'a',
      nodeName: 'one',
      interfaces: [eth0, { ...eth0, name: 'wlan0', kind: 'wifi' }],
      devices: [
        { backend: 'cpu', deviceId: 'cpu', kind: 'cpu', name: '' },
        { backend: 'cuda', deviceId: 'cuda0', kind: 'gpu', name: '' },
      ],
    },
    { nodeId: 'b', nodeName: 'two', interfaces: [], devices: [], silent: 'did not answer' },
  ],
  links: [
    {
      from: { nodeId: 'a', interfaceName: 'wlan0' },
      to: { nodeId: 'b', address: '10.0.0.2' },
      kind: 'wifi',
      latencyMicroseconds: { value: 2345, source: 'measured' },
      bandwidthBytesPerSecond: { unknown: 'not measured yet' },
    },
    {
      from: { nodeId: 'a', interfaceName: 'eth0' },
      to: { nodeId: 'b', interfaceName: 'eth0' },
      kind: 'ethernet',
      latencyMicroseconds: { value: 81.4, source: 'measured' },
      bandwidthBytesPerSecond: { value: 125e6, source: 'driver' },
      measuredAt: 97_000,
    },
  ],
  failures: [
    {
      from: { nodeId: 'b' },
      to: { nodeId: 'a', interfaceName: 'eth0' },
      kind: 'ethernet',
      reason: 'no answer',
      triedAt: 1,
    },
  ],
};

t.test('the topology for people', async (t) => {
  t.same(nodeLines(topology), [
    'node  devices          interfaces, or what is wrong',
    'one   cpu, cuda/cuda0  eth0 (ethernet), wlan0 (wifi)',
    'two   -                did not answer',
  ]);
  t.same(linkLines(topology, 100_000), [
    'from  to   link      latency  bandwidth                  interfaces        measured',
    'one   two  ethernet  81 µs    119 MiB/s (driver)         eth0 > eth0       3 s ago',
    'one   two  wifi      2.3 ms   unknown: not measured yet  wlan0 > 10.0.0.2  never',
  ]);
  t.same(failureLines(topology), ['no path from two to one over any > eth0 (ethernet): no answer']);
  t.same(linkLines({ ...topology, links: [] }, 0), ['no links are measured']);
  t.same(devicePathLines(topology), []);
  const [one] = topology.nodes;
  const devices = [
    { id: '0000:01:00.0', name: 'NVIDIA device 20b0' },
    { id: '0000:02:00.0', name: 'NVIDIA device 20b0' },
  ];
  const gigabytes = { value: 100e9, source: 'operating-system' } as const;
  const devicePaths = {
    devices,
    paths: [
      { to: '0000:01:00.0', kind: 'pcie', over: 'an unknown link', bandwidthBytesPerSecond: unknown },
      { from: '0000:01:00.0', to: '0000:02:00.0', kind: 'nvlink', over: '4 links', bandwidthBytesPerSecond: gigabytes },
    ],
    unknown: ['something is not told'],
  } as const;
  t.same(
    devicePathLines({ ...topology, nodes: one ? [{ ...one, devicePaths }] : [] }).map((line) => line.split(/ {2,}/)),
    [
      ['machine of', 'from', 'to', 'link', 'bandwidth', 'over'],
      ['one', 'processor', '0000:01:00.0', 'pcie', 'unknown: not asked', 'an unknown link'],
      ['one', '0000:01:00.0', '0000:02:00.0', 'nvlink', '93.1 GiB/s (operating-system)', '4 links'],
      ['one: something is not told'],
    ],
  );
});
