/** A small cluster as its nodes would tell of it: three machines, one of them lost, a model in two stages. */
import type { AnswerProgress } from '@shoal/core';
import type { Update } from '@shoal/tui/internal/state/update.js';

export const begin = Date.UTC(2026, 0, 2, 3, 4, 5);

const reported = (value: number) => ({ value, source: 'operating-system' as const });
const measured = (value: number) => ({ value, source: 'measured' as const });
const gibibytes = (count: number) => count * 2 ** 30;

export const instance = '0123456789abcdef';

const plan = {
  modelName: 'tiny-llama',
  modelDigest: 'ab',
  strategy: 'llama',
  strategyVersion: '1.0.0',
  storage: { matrix: 'q8_0', embedding: 'q8_0' },
  stateStorage: 'f16',
  contextLength: 4096,
  slotCount: 4,
  stages: [
    {
      layers: [0, 20],
      cuts: {},
      members: [
        {
          nodeId: 'anna-id',
          nodeName: 'anna',
          backend: 'cpu',
          deviceId: 'cpu',
          share: 1,
          programDigest: 'cd',
          weightBytes: gibibytes(2),
          stateBytes: gibibytes(1),
          workingBytes: gibibytes(0.25),
        },
      ],
    },
    {
      layers: [20, 32],
      cuts: {},
      members: [
        {
          nodeId: 'ben-id',
          nodeName: 'ben 🐟',
          backend: 'cuda',
          deviceId: 'cuda0',
          share: 1,
          programDigest: 'ef',
          weightBytes: gibibytes(1.5),
          stateBytes: gibibytes(0.5),
        },
      ],
    },
  ],
  predicted: {
    millisecondsPerToken: 20,
    tokensPerSecond: 120,
    prefillTokensPerSecond: 900,
    timeToFirstTokenMilliseconds: 80,
    promptTokens: 64,
    source: 'measured',
  },
  reasons: ['two devices are 40 % faster than the best one'],
  leftOut: [{ nodeName: 'cleo', deviceId: 'cpu', reason: 'does not answer' }],
};

export const cluster = {
  kind: 'cluster',
  at: begin,
  nodes: [
    {
      nodeId: 'anna-id',
      nodeName: 'anna',
      softwareVersion: '0.1.0',
      addresses: ['/ip4/10.0.0.1/tcp/4001'],
      state: 'self',
      isLeader: true,
    },
    {
      nodeId: 'ben-id',
      nodeName: 'ben 🐟',
      softwareVersion: '0.1.0',
      addresses: [],
      state: 'connected',
      cordoned: 'it is wanted elsewhere',
      draining: { remainingInstances: 1 },
    },
    {
      nodeId: 'cleo-id',
      nodeName: 'cleo',
      softwareVersion: '0.1.0',
      addresses: [],
      state: 'unreachable',
      code: 'NODE_LOST',
      message: 'no pulse for 1250 ms',
    },
  ],
  instances: [{ instance, epoch: 1, state: 'ready', model: 'tiny-llama', plan }],
  state: {
    leader: { nodeId: 'anna-id', nodeName: 'anna', term: 3, seniority: 2, isCampaigning: false },
    nodes: [],
    instances: [{ instance, stuck: 'no other node holds it' }],
    wishes: [{ wish: 'a-wish', model: 'owner/tiny-llama' }],
  },
} as unknown as Update & { kind: 'cluster' };

const conditions = (load: number, celsius: number, discharging: boolean) => ({
  readAt: begin,
  loadByOthers: measured(load),
  loadByNode: measured(0.5),
  temperature: { celsius: reported(celsius), limitCelsius: 100, sensor: 'package' },
  heat: { throttled: { value: celsius > 95 }, speedFactor: { unknown: 'it is not told' } },
  power: { watts: measured(28.4) },
  battery: { value: { present: true, discharging, chargePercent: reported(81) } },
  history: {
    at: [begin - 10_000, begin - 5000, begin],
    load: [0.5, null, 0.75],
    watts: [20, 21, 28.4],
    celsius: [null, null, 62],
  },
});

const machine = (total: number, available: number) => ({
  processor: { name: { value: 'A Processor' }, logicalCores: reported(16), usableCores: reported(8) },
  memory: { totalBytes: reported(total), processAvailableBytes: reported(available) },
});

export const machines = {
  kind: 'machines',
  at: begin,
  machines: [
    {
      nodeId: 'anna-id',
      nodeName: 'anna',
      machineId: 'one',
      machine: machine(gibibytes(16), gibibytes(4)),
      conditions: conditions(0.25, 62, false),
      devices: [
        {
          backend: 'cpu',
          deviceId: 'cpu',
          kind: 'cpu',
          name: 'A Processor',
          memoryTotalBytes: reported(gibibytes(16)),
          memoryAvailableBytes: reported(gibibytes(4)),
          memoryBandwidthBytesPerSecond: measured(41e9),
        },
        { backend: 'cuda', deviceId: 'cuda', unavailable: 'there is no NVIDIA driver' },
      ],
    },
    {
      nodeId: 'ben-id',
      nodeName: 'ben 🐟',
      machineId: 'two',
      machine: machine(gibibytes(32), gibibytes(20)),
      conditions: conditions(0.02, 97, true),
      derating: { factor: 0.7, reason: 'it is hot' },
      devices: [
        {
          backend: 'cuda',
          deviceId: 'cuda0',
          kind: 'gpu',
          name: 'A Graphics Card',
          memoryTotalBytes: { value: gibibytes(24), source: 'driver' },
          memoryAvailableBytes: { value: gibibytes(21), source: 'driver' },
          memoryBandwidthBytesPerSecond: { value: 900e9, source: 'table' },
          telemetry: {
            temperatureCelsius: { value: 71, source: 'driver' },
            powerWatts: { value: 180, source: 'driver' },
            speedFactor: { unknown: 'it is not told' },
          },
        },
      ],
    },
    { nodeId: 'cleo-id', nodeName: 'cleo', devices: [], silent: 'it did not answer within 10 s' },
  ],
} as unknown as Update & { kind: 'machines' };

const link = (from: string, to: string, kind: string, microseconds: number, bytesPerSecond: number) => ({
  from: { nodeId: from, interfaceName: kind === 'wifi' ? 'wlan0' : 'eth0' },
  to: { nodeId: to },
  kind,
  latencyMicroseconds: measured(microseconds),
  bandwidthBytesPerSecond: bytesPerSecond > 0 ? measured(bytesPerSecond) : { unknown: 'it has not been measured yet' },
  measuredAt: begin,
});

export const topology = {
  kind: 'topology',
  at: begin,
  topology: {
    nodes: [],
    links: [
      link('anna-id', 'ben-id', 'wifi', 2100, 30e6),
      link('anna-id', 'ben-id', 'ethernet', 210, 117e6),
      link('ben-id', 'anna-id', 'ethernet', 220, 0),
    ],
    failures: [
      { from: { nodeId: 'anna-id' }, to: { nodeId: 'cleo-id' }, kind: 'ethernet', reason: 'timed out', triedAt: begin },
    ],
  },
} as unknown as Update & { kind: 'topology' };

interface Counters {
  readonly steps: number;
  readonly compute: number;
  readonly wire: number;
  readonly wait: number;
}

const counters = ({ steps, compute, wire, wait }: Counters) => ({
  steps,
  computeMicroseconds: compute * 1000,
  wireMicroseconds: wire * 1000,
  waitMicroseconds: wait * 1000,
  wireBytesSent: steps * 8192,
  wireBytesReceived: steps * 8192,
  occupiedSlots: 1,
});

/** The counters of both members after so many steps; the head's answers with them. */
export function statistics(at: number, steps: number, answers: readonly object[] = []): Update {
  const head = {
    ...counters({ steps, compute: steps * 8, wire: steps, wait: steps * 11 }),
    generatedTokens: steps,
    residentSlots: 1,
    waitingRequests: 1,
    answers: answers as readonly AnswerProgress[],
  };
  return {
    kind: 'statistics',
    at,
    instance,
    members: [
      { stage: 0, member: 0, nodeId: 'anna-id', nodeName: 'anna', statistics: head },
      {
        stage: 1,
        member: 0,
        nodeId: 'ben-id',
        nodeName: 'ben 🐟',
        statistics: {
          ...counters({ steps, compute: steps * 10, wire: steps, wait: steps * 9 }),
          residentSlots: 0,
          waitingRequests: 0,
        },
      },
    ],
  };
}

/** An answer as the head tells of it. */
export const answer = (requestId: number, state: string, times: Readonly<Record<string, number | string>> = {}) => ({
  requestId,
  choice: 0,
  state,
  promptTokens: 64,
  generatedTokens: 0,
  queueMicroseconds: 0,
  prefillMicroseconds: 0,
  decodeMicroseconds: 0,
  submittedMicrosecondsAgo: 0,
  ...times,
});

export const explained = {
  kind: 'explained',
  at: begin,
  question: { model: 'owner/tiny-llama', without: [], added: [] },
  explanation: {
    outcome: { plan },
    numbers: {
      bitsPerWeight: { matrix: 8.5, embedding: 8.5 },
      members: [
        {
          stage: 0,
          member: 0,
          nodeName: 'anna',
          deviceId: 'cpu/cpu',
          weightBytes: gibibytes(2),
          stateBytes: gibibytes(0.75),
          workingBytes: gibibytes(0.25),
          availableBytes: gibibytes(4),
        },
        {
          stage: 1,
          member: 0,
          nodeName: 'ben 🐟',
          deviceId: 'cuda/cuda0',
          weightBytes: gibibytes(1.5),
          stateBytes: gibibytes(0.5),
          workingBytes: 0,
          availableBytes: gibibytes(21),
        },
      ],
      otherShapes: [],
      times: {
        stages: [
          { stage: 0, milliseconds: 8.1, members: [] },
          { stage: 1, milliseconds: 10.4, members: [] },
        ],
        hops: [
          {
            from: 'cpu on anna',
            to: 'cuda0 on ben 🐟',
            kind: 'ethernet',
            latencyMicroseconds: 210,
            bytesPerSecond: 117e6,
            source: 'measured',
            milliseconds: 0.35,
          },
        ],
        samplingMilliseconds: 0.04,
      },
      considered: [{ description: 'cuda/cuda0 on ben alone', millisecondsPerToken: 28 }],
    },
  },
} as unknown as Update & { kind: 'explained' };

export const withoutBen = {
  ...explained,
  question: { model: 'owner/tiny-llama', without: ['ben 🐟'], added: [] },
  explanation: {
    outcome: {
      refusal: { code: 'PLAN_DOES_NOT_FIT', message: '1.5 GiB are missing', reasons: ['anna holds 22 of 32 layers'] },
    },
  },
} as unknown as Update & { kind: 'explained' };

export const models = {
  kind: 'models',
  at: begin,
  models: [
    {
      name: 'owner/tiny-llama',
      directory: '/models/tiny',
      architecture: 'LlamaForCausalLM',
      weightBytes: gibibytes(3.5),
    },
    { name: 'huge', directory: '/models/huge', architecture: 'LlamaForCausalLM', weightBytes: gibibytes(400) },
    { name: 'middle', directory: '/models/middle', architecture: 'LlamaForCausalLM', weightBytes: gibibytes(24) },
    {
      name: 'broken',
      directory: '/models/broken',
      architecture: 'unknown',
      problem: { code: 'MODEL_CHECKPOINT_INVALID', message: 'config.json is no JSON' },
    },
  ],
} as unknown as Update & { kind: 'models' };

export const attached = {
  kind: 'connection',
  at: begin,
  connection: { phase: 'attached', since: begin },
} as const satisfies Update;

/** Everything that there is to see: two looks at the counters, with an answer that ended, one that runs and one that waits. */
export const everything: readonly Update[] = [
  attached,
  cluster,
  machines,
  topology,
  models,
  explained,
  withoutBen,
  statistics(begin, 100),
  statistics(begin + 1000, 150, [
    answer(1, 'stop', {
      generatedTokens: 21,
      queueMicroseconds: 1500,
      prefillMicroseconds: 90_000,
      decodeMicroseconds: 400_000,
      submittedMicrosecondsAgo: 900_000,
      endedMicrosecondsAgo: 400_000,
    }),
    answer(2, 'answering', {
      generatedTokens: 11,
      queueMicroseconds: 700,
      prefillMicroseconds: 70_000,
      decodeMicroseconds: 210_000,
      submittedMicrosecondsAgo: 500_000,
    }),
    answer(3, 'waiting', { queueMicroseconds: 250_000, submittedMicrosecondsAgo: 250_000 }),
  ]),
  {
    kind: 'events',
    at: begin + 1000,
    events: [
      { kind: 'node-joined', nodeId: 'ben-id', nodeName: 'ben 🐟' },
      { kind: 'node-lost', nodeId: 'cleo-id', nodeName: 'cleo', code: 'NODE_LOST', reason: 'no pulse for 1250 ms' },
      { kind: 'state-changed', nodeIds: ['anna-id'], changes: [] },
    ],
  },
  {
    kind: 'logs',
    at: begin + 1000,
    nodeName: 'anna',
    records: [
      {
        time: begin + 500,
        level: 'warn',
        area: 'worker',
        message: 'a line of a worker',
        fields: { code: 'ENGINE_WORKER_EXITED' },
      },
    ],
  },
  { kind: 'chat-asked', at: begin, text: 'What lives in shoals?', modelName: 'tiny-llama' },
  { kind: 'chat-delta', at: begin + 100, text: 'Fish', generatedTokens: 1 },
  { kind: 'chat-delta', at: begin + 600, text: ' do.', generatedTokens: 11 },
  { kind: 'chat-ended', at: begin + 600, ended: 'stop' },
];
