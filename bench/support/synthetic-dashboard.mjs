// The dashboard over a cluster that is not: `node synthetic-dashboard.mjs NODES SCREEN`. Every look finds other figures, as in a
// cluster that works.
import { runDashboard } from '@shoal/tui';
import { Cluster } from 'shoal';

const nodeCount = Number(process.argv[2]);
const screen = process.argv[3] ?? 'topology';
const gibibyte = 2 ** 30;
let looks = 0;

const names = Array.from({ length: nodeCount }, (_, index) => `node-${String(index + 1).padStart(4, '0')}`);
const idOf = (name) => `12D3KooW${name.padEnd(44, 'x')}`;
const reported = (value) => ({ value, source: 'operating-system' });
const measured = (value) => ({ value, source: 'measured' });
const wave = (index, period) => 0.5 + 0.5 * Math.sin((looks + index) / period);

const summaries = () =>
  names.map((nodeName, index) => ({
    nodeId: idOf(nodeName),
    nodeName,
    softwareVersion: '0.1.0',
    addresses: [`/ip4/10.0.${index >> 8}.${index & 255}/tcp/7450`],
    state: index === 0 ? 'self' : 'connected',
    isLeader: index === 0,
    seniority: nodeCount,
  }));

const members = names.slice(0, 8);
const plan = {
  modelName: 'a-model',
  modelDigest: 'd',
  strategy: 'llama',
  shape: { stages: members.length, members: 1 },
  storage: {},
  stateStorage: 'f16',
  contextLength: 4096,
  slotCount: 8,
  stages: members.map((nodeName, index) => ({
    layers: [index * 4, index * 4 + 4],
    members: [{ nodeId: idOf(nodeName), nodeName, backend: 'cpu', deviceId: 'cpu', share: 1 }],
  })),
  predicted: { millisecondsPerToken: 40, tokensPerSecond: 25 },
  reasons: ['it is large'],
  leftOut: [],
};
const instance = '0123456789abcdef';

const facts = (nodeName, index) => ({
  nodeId: idOf(nodeName),
  nodeName,
  softwareVersion: '0.1.0',
  machineId: nodeName,
  processId: nodeName,
  platform: 'linux-x64',
  machine: {
    processor: { name: { value: 'A Processor' }, logicalCores: reported(16), usableCores: reported(16) },
    memory: {
      totalBytes: reported(64 * gibibyte),
      processAvailableBytes: reported((20 + 20 * wave(index, 5)) * gibibyte),
    },
  },
  conditions: {
    readAt: Date.now(),
    loadByOthers: measured(wave(index, 3)),
    loadByNode: measured(0.4),
    temperature: { celsius: reported(40 + 30 * wave(index, 9)), limitCelsius: 100, sensor: 'package' },
    heat: { throttled: { value: false }, speedFactor: { unknown: 'it is not told' } },
    power: { watts: measured(20 + 60 * wave(index, 4)) },
    battery: { value: { present: false } },
  },
  devices: [],
  transports: [],
  engines: [],
  plugins: [],
});

const links = names.map((nodeName, index) => ({
  from: { nodeId: idOf(nodeName), interfaceName: 'eth0' },
  to: { nodeId: idOf(names[(index + 1) % nodeCount]), interfaceName: 'eth0' },
  kind: 'ethernet',
  latencyMicroseconds: measured(120 + index),
  bandwidthBytesPerSecond: measured(1.1e8),
  measuredAt: Date.now(),
}));

async function* nothing(signal) {
  await new Promise((resolve) => signal.addEventListener('abort', resolve, { once: true }));
}

const service = {
  nodeId: idOf(names[0]),
  async nodes() {
    looks += 1;
    return summaries();
  },
  instances: async () => [{ instance, epoch: 1, state: 'ready', model: 'a-model', plan }],
  state: async () => ({
    leader: { nodeId: idOf(names[0]), nodeName: names[0], term: 1, seniority: nodeCount, isCampaigning: false },
    nodes: [],
    instances: [],
    wishes: [],
  }),
  statistics: async () =>
    members.map((nodeName, index) => ({
      stage: index,
      member: 0,
      nodeId: idOf(nodeName),
      nodeName,
      statistics: {
        steps: looks * 25,
        computeMicroseconds: looks * 500_000,
        waitMicroseconds: looks * 400_000,
        wireMicroseconds: looks * 100_000,
        wireBytesSent: looks * 1e6,
        wireBytesReceived: looks * 1e6,
        residentSlots: 1,
        waitingRequests: 0,
        occupiedSlots: 1,
        generatedTokens: looks * 25,
        answers: [],
      },
    })),
  readiness: async () => ({
    nodes: names.map((nodeName, index) => ({
      nodeId: idOf(nodeName),
      nodeName,
      softwareVersion: '0.1.0',
      facts: facts(nodeName, index),
    })),
    transport: { name: 'tcp' },
  }),
  topology: async () => ({
    nodes: names.map((nodeName) => ({
      nodeId: idOf(nodeName),
      nodeName,
      machineId: nodeName,
      interfaces: [],
      devices: [],
    })),
    links,
    failures: [],
  }),
  watch: nothing,
  logs: (_request, signal) => nothing(signal),
};

const stopping = new AbortController();
process.on('SIGTERM', () => stopping.abort());
await runDashboard({
  connect: async () =>
    new Cluster({ service, nodeName: names[0], home: '/nowhere', addresses: () => [], close: async () => undefined }),
  format: 'screen',
  intervalMilliseconds: 1000,
  screen,
  colours: true,
  signal: stopping.signal,
});
process.exit(0);
