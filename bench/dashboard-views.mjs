// Claim: the dashboard's picture costs little: at one refresh a second, keeping it and making the view of a screen takes well
// under 3 % of a core with 50 nodes, and stays smooth with 1,000. Gives the reducer what nodes would answer (nodes, instances,
// counters every second; machines and links every five), makes the view models of all seven screens and the JSON twin, and
// prints the median times of the processor as JSON:
// {"name", "results": [{"nodes", "applyMilliseconds", "viewMilliseconds": {screen: …}, "twinMilliseconds", "eventMicroseconds",
// "coreShare"}], "growth"}. coreShare: of a core, with the dearest screen shown at one refresh a second.
import { applyAll } from '@shoal/tui/internal/state/apply.js';
import { initialState } from '@shoal/tui/internal/state/initial.js';
import { chatView } from '@shoal/tui/internal/views/chat.js';
import { eventsView } from '@shoal/tui/internal/views/events.js';
import { headerView } from '@shoal/tui/internal/views/header.js';
import { modelsView } from '@shoal/tui/internal/views/models.js';
import { nodeView } from '@shoal/tui/internal/views/node.js';
import { planView } from '@shoal/tui/internal/views/plan.js';
import { requestsView } from '@shoal/tui/internal/views/requests.js';
import { topologyView } from '@shoal/tui/internal/views/topology.js';
import { screenLine, screenNames } from '@shoal/tui/internal/views/twin.js';
import { machineFacts } from './support/machine.mjs';
import { median, round } from './support/numbers.mjs';

const seconds = 40;
const slowEvery = 5;
const members = 10;
const linksEach = 12;
const begin = Date.UTC(2026, 0, 1);
const measured = (value) => ({ value, source: 'measured' });
const unknown = { unknown: 'this machine does not tell' };
const nameOf = (index) => `node-${String(index).padStart(4, '0')}`;

function nodesOf(count) {
  return Array.from({ length: count }, (_, index) => ({
    nodeId: `12D3KooW${nameOf(index)}`,
    nodeName: nameOf(index),
    softwareVersion: '0.1.0',
    addresses: [`/ip4/10.0.${index >> 8}.${index & 255}/tcp/7450`],
    state: index === 0 ? 'self' : index % 40 === 39 ? 'unreachable' : 'connected',
    ...(index % 40 === 39 ? { code: 'NODE_LOST', message: 'no pulse for 1250 ms' } : {}),
  }));
}

function machinesOf(nodes, second) {
  const gibibytes = (size) => ({ value: size * 2 ** 30, source: 'operating-system' });
  return nodes.map(({ nodeId, nodeName }, index) => ({
    nodeId,
    nodeName,
    machineId: nodeId,
    machine: {
      processor: { name: { value: 'A Processor' }, usableCores: measured(16) },
      memory: { totalBytes: gibibytes(64), processAvailableBytes: gibibytes(40 + ((second + index) % 8)) },
    },
    conditions: {
      readAt: begin + second * 1000,
      loadByOthers: measured(((second + index) % 10) / 20),
      loadByNode: measured(0.4),
      temperature: { celsius: measured(50 + ((second + index) % 20)), limitCelsius: 100 },
      heat: { throttled: { value: false }, speedFactor: unknown },
      power: { watts: measured(40 + (index % 9)) },
      battery: { value: { present: false } },
    },
    devices: ['cpu', 'cuda'].map((backend) => ({
      backend,
      deviceId: `${backend}0`,
      kind: backend === 'cpu' ? 'cpu' : 'gpu',
      name: `A device of ${backend}`,
      memoryTotalBytes: gibibytes(24),
      memoryAvailableBytes: gibibytes(20),
      memoryBandwidthBytesPerSecond: measured(400e9),
    })),
  }));
}

function linksOf(nodes) {
  return nodes.flatMap(({ nodeId }, index) =>
    Array.from({ length: Math.min(linksEach, nodes.length - 1) }, (_, step) => ({
      from: { nodeId, interfaceName: 'eth0' },
      to: { nodeId: nodes[(index + step + 1) % nodes.length].nodeId },
      kind: 'ethernet',
      latencyMicroseconds: measured(150 + step),
      bandwidthBytesPerSecond: measured(117e6),
    })),
  );
}

function instanceOf(nodes) {
  const used = nodes.filter(({ state }) => state !== 'unreachable').slice(0, members);
  const stages = used.map(({ nodeId, nodeName }, index) => ({
    layers: [index * 8, index * 8 + 8],
    cuts: {},
    members: [{ nodeId, nodeName, backend: 'cuda', deviceId: 'cuda0', share: 1, weightBytes: 4e9, stateBytes: 1e9 }],
  }));
  const leftOut = nodes
    .slice(members)
    .map(({ nodeName }) => ({ nodeName, deviceId: 'cuda0', reason: 'would add a hop' }));
  const plan = {
    modelName: 'a-model',
    strategy: 'llama',
    storage: { matrix: 'q8_0' },
    contextLength: 8192,
    slotCount: 16,
    stages,
  };
  return {
    instance: '0123456789abcdef',
    epoch: 1,
    state: 'ready',
    model: 'a-model',
    plan: { ...plan, reasons: [], leftOut },
  };
}

function statisticsOf({ plan }, second) {
  return plan.stages.map(({ members: [{ nodeId, nodeName }] }, stage) => ({
    stage,
    member: 0,
    nodeId,
    nodeName,
    statistics: {
      steps: second * 40,
      computeMicroseconds: second * 400_000,
      waitMicroseconds: second * 500_000,
      wireMicroseconds: second * 50_000,
      wireBytesSent: second * 1e6,
      wireBytesReceived: second * 1e6,
      residentSlots: 16,
      waitingRequests: 20,
      ...(stage === 0 ? { generatedTokens: second * 600, answers: answersOf(second) } : {}),
    },
  }));
}

const answersOf = (second) =>
  Array.from({ length: 100 }, (_, index) => ({
    requestId: second * 10 + index,
    choice: 0,
    state: index < 60 ? 'stop' : index < 80 ? 'answering' : 'waiting',
    promptTokens: 500,
    generatedTokens: index < 80 ? 100 : 0,
    queueMicroseconds: 1000,
    prefillMicroseconds: 200_000,
    decodeMicroseconds: 2_000_000,
    submittedMicrosecondsAgo: 3_000_000,
    ...(index < 60 ? { endedMicrosecondsAgo: 500_000 } : {}),
  }));

/** Of the processor, not of the clock: whoever else runs on the machine does not count; collecting garbage does. */
function timed(work) {
  const before = process.cpuUsage();
  const result = work();
  const { user, system } = process.cpuUsage(before);
  return { result, milliseconds: (user + system) / 1000 };
}

const views = {
  topology: topologyView,
  requests: requestsView,
  node: nodeView,
  chat: chatView,
  models: modelsView,
  events: eventsView,
  plan: planView,
};

function measure(count) {
  const nodes = nodesOf(count);
  const links = linksOf(nodes);
  const instance = instanceOf(nodes);
  let state = initialState(begin);
  const [applying, twin, events] = [[], [], []];
  const viewing = Object.fromEntries(screenNames.map((name) => [name, []]));
  for (let second = 0; second < seconds; second += 1) {
    const at = begin + second * 1000;
    const cluster = {
      nodes,
      instances: [instance],
      state: { leader: { nodeId: nodes[0].nodeId, term: 1 }, instances: [] },
    };
    const slow =
      second % slowEvery === 0
        ? [
            { kind: 'machines', at, machines: machinesOf(nodes, second) },
            { kind: 'topology', at, topology: { nodes: [], links, failures: [] } },
          ]
        : [];
    const updates = [
      { kind: 'cluster', at, ...cluster },
      { kind: 'statistics', at, instance: instance.instance, members: statisticsOf(instance, second) },
      ...slow,
    ];
    const applied = timed(() => applyAll(state, updates));
    state = applied.result;
    applying.push(applied.milliseconds);
    const many = Array.from({ length: 1000 }, (_, index) => ({
      kind: 'node-joined',
      nodeId: nodes[index % count].nodeId,
      nodeName: nodes[index % count].nodeName,
    }));
    const told = timed(() => applyAll(state, [{ kind: 'events', at, events: many }]));
    state = told.result;
    events.push(told.milliseconds);
    for (const name of screenNames) {
      const context = { width: 'wide', now: at };
      const made = timed(() => [headerView(state, at), views[name](state, context)]);
      viewing[name].push(made.milliseconds);
    }
    twin.push(timed(() => screenNames.map((name) => JSON.stringify(screenLine(state, name)))).milliseconds);
  }
  // The first seconds are those of a compiler that warms up.
  const warm = (times) => times.slice(slowEvery);
  // Every fifth second is dearer: the mean is what a core is busy with.
  const mean = (times) => warm(times).reduce((sum, one) => sum + one, 0) / warm(times).length;
  const viewMilliseconds = Object.fromEntries(screenNames.map((name) => [name, round(median(warm(viewing[name])), 3)]));
  const dearest = Math.max(...screenNames.map((name) => mean(viewing[name])));
  return {
    nodes: count,
    applyMilliseconds: round(mean(applying), 3),
    viewMilliseconds,
    twinMilliseconds: round(median(warm(twin)), 3),
    eventMicroseconds: round(median(warm(events)), 3),
    coreShare: round((mean(applying) + dearest) / 1000, 4),
  };
}

// Once unseen, so that the first size is not the one that warms the compiler up.
measure(50);
const results = [3, 50, 1000].map(measure);
const [, small, large] = results;
console.log(
  JSON.stringify({
    name: 'dashboard-views',
    machine: machineFacts(),
    results,
    growth: { nodes: 1000 / 50, apply: round(large.applyMilliseconds / small.applyMilliseconds, 1) },
  }),
);
