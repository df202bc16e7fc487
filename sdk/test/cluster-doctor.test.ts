// What is said of clusters that are ready, and of those that are not.
import type { ClusterReadiness, ClusterTopology, Link, NodeFacts, NodeReadiness, NodeSummary } from '@shoal/core';
import type { Finding } from 'shoal';
import { clusterFindings } from 'shoal/internal/doctor/cluster.js';
import t from 'tap';

const unknown = { unknown: 'the test' } as const;

function factsOf(nodeId: string, changes: Partial<NodeFacts> = {}): NodeFacts {
  const properties = {
    available: true,
    id: 'cpu',
    kind: 'cpu',
    name: 'A processor',
    memoryTotalBytes: unknown,
    memoryAvailableBytes: unknown,
    memoryBandwidthBytesPerSecond: unknown,
    features: [],
  } as const;
  const capabilities = { operations: [], storageTypes: [], rowTile: {} };
  return {
    nodeId,
    nodeName: nodeId,
    softwareVersion: '1.0.0',
    machineId: nodeId,
    processId: nodeId,
    platform: 'linux-x64',
    devices: [{ backend: 'cpu', capabilities, properties }],
    transports: [],
    engines: [{ name: 'native' }],
    plugins: [],
    model: { found: true, directory: `/${nodeId}/m`, name: 'm', digest: 'd'.repeat(64) },
    ...changes,
  };
}

const names = ['one', 'two', 'three'];
const summary = (nodeId: string, state: NodeSummary['state']): NodeSummary => ({
  nodeId,
  nodeName: nodeId,
  softwareVersion: '1.0.0',
  addresses: [`/ip4/10.0.0.${names.indexOf(nodeId) + 1}/tcp/4001`],
  state,
});
const seenFrom = (self: string) => names.map((name) => summary(name, name === self ? 'self' : 'connected'));

function readiness(change: (node: NodeReadiness) => NodeReadiness = (node) => node): ClusterReadiness {
  const nodes = names.map((name) =>
    change({
      nodeId: name,
      nodeName: name,
      softwareVersion: '1.0.0',
      facts: factsOf(name),
      clock: { offsetMilliseconds: 3, uncertaintyMilliseconds: 1 },
      nodes: seenFrom(name),
    }),
  );
  return { nodes, transport: { name: 'tcp' } };
}

function link(from: string, to: string): Link {
  return {
    from: { nodeId: from, interfaceName: 'eth0' },
    to: { nodeId: to, interfaceName: 'eth0' },
    kind: 'ethernet',
    latencyMicroseconds: { value: 80, source: 'measured' },
    bandwidthBytesPerSecond: { value: 117 * 2 ** 20, source: 'measured' },
  };
}

const topology: ClusterTopology = {
  nodes: names.map((nodeId) => ({
    nodeId,
    nodeName: nodeId,
    machineId: nodeId,
    devices: [],
    interfaces: [{ name: 'eth0', kind: 'ethernet', kindFrom: '', bandwidthBytesPerSecond: unknown, addresses: [] }],
  })),
  links: names.flatMap((from) => names.filter((to) => to !== from).map((to) => link(from, to))),
  failures: [],
};

const faulty = (findings: readonly Finding[]) => findings.filter(({ status }) => status !== 'ok');

t.test('a cluster that is ready', async (t) => {
  const findings = clusterFindings(seenFrom('one'), readiness(), topology, { nodeCount: 3, model: 'm' });
  t.same(faulty(findings), []);
  t.match(
    findings.find(({ area }) => area === 'link'),
    { name: 'one and two', message: 'ethernet, 80 µs, 117 MiB/s (eth0 > eth0)' },
  );
  t.equal(findings.filter(({ area }) => area === 'link').length, 3, 'each two nodes once');
});

interface Case {
  readonly what: string;
  readonly nodes?: readonly NodeSummary[];
  readonly readiness?: ClusterReadiness;
  readonly topology?: ClusterTopology;
  readonly expected: readonly { status: string; name: string; message: RegExp; remedy: RegExp }[];
}

const one = (status: string, name: string, message: RegExp, remedy: RegExp) => ({ status, name, message, remedy });
const changed = (name: string, changes: Partial<NodeReadiness>) =>
  readiness((node) => (node.nodeName === name ? { ...node, ...changes } : node));

const cases: readonly Case[] = [
  {
    what: 'a node is missing',
    readiness: {
      ...readiness(),
      nodes: readiness()
        .nodes.filter(({ nodeName }) => nodeName === 'one')
        .map((node) => ({ ...node, nodes: [summary('one', 'self')] })),
    },
    topology: { nodes: topology.nodes.slice(0, 1), links: [], failures: [] },
    expected: [one('problem', 'nodes', /1 is connected: one; 3 are expected/, /shoal node/)],
  },
  {
    what: 'a stranger was refused',
    nodes: [
      ...seenFrom('one'),
      {
        ...summary('x', 'refused'),
        nodeName: '',
        addresses: ['/ip4/10.0.0.9/tcp/1/p2p/12D3KooWExample'],
        code: 'NODE_NOT_A_MEMBER',
        message: 'another key',
      },
      { ...summary('y', 'refused'), code: 'NODE_VERSION_MISMATCH', message: 'protocol 7' },
    ],
    expected: [
      one('problem', '10.0.0.9:1', /refused: another key/, /cluster.key/),
      one('problem', 'y', /refused: protocol 7/, /version/i),
    ],
  },
  {
    what: 'a node is busy',
    nodes: seenFrom('one').map((node) => (node.nodeId === 'two' ? { ...node, state: 'stalled' as const } : node)),
    expected: [one('warning', 'two', /silent/, /busy/)],
  },
  {
    what: 'a node was lost',
    nodes: [
      ...seenFrom('one'),
      { ...summary('x', 'unreachable'), code: 'NODE_LOST', message: 'its pulses have stopped' },
    ],
    expected: [one('problem', 'x', /unreachable: its pulses have stopped/, /cable/)],
  },
  {
    what: 'no pulses come from a node',
    nodes: seenFrom('one').map((node) =>
      node.nodeId === 'two' ? { ...node, message: 'no pulse comes through' } : node,
    ),
    expected: [one('warning', 'two', /connected, but no pulse comes through/, /UDP/)],
  },
  {
    what: 'two nodes do not see each other',
    readiness: readiness((node) => ({
      ...node,
      nodes: (node.nodes ?? []).filter(
        ({ nodeId }) => !(node.nodeId !== 'one' && nodeId !== 'one' && nodeId !== node.nodeId),
      ),
    })),
    expected: [
      one('problem', 'two', /not connected with three/, /reach each other/),
      one('problem', 'three', /not connected with two/, /reach/),
    ],
  },
  {
    what: 'somebody knows a node that this one does not',
    readiness: changed('two', {
      nodes: [...seenFrom('two'), { ...summary('four', 'connected'), addresses: ['/ip4/10.0.0.4/tcp/1'] }],
    }),
    expected: [one('problem', 'four', /connected with two, but not with one/, /10\.0\.0\.4/)],
  },
  {
    what: 'a node does not answer',
    readiness: changed('two', { silent: 'took too long' }),
    expected: [one('problem', 'two', /took too long/, /log/)],
  },
  {
    what: 'versions differ',
    readiness: changed('three', { softwareVersion: '1.1.0' }),
    expected: [one('problem', 'versions', /1\.0\.0 on one, two; 1\.1\.0 on three/, /same version/)],
  },
  {
    what: 'clocks differ',
    readiness: changed('two', { clock: { offsetMilliseconds: -5000, uncertaintyMilliseconds: 10 } }),
    expected: [one('warning', 'clock of two', /5\.0 s behind that of one/, /NTP/)],
  },
  {
    what: 'clocks differ much',
    readiness: changed('two', { clock: { offsetMilliseconds: 3_600_000, uncertaintyMilliseconds: 10 } }),
    expected: [one('problem', 'clock of two', /3600\.0 s ahead/, /NTP/)],
  },
  {
    what: 'a slow answer says little of a clock',
    readiness: changed('two', { clock: { offsetMilliseconds: 5000, uncertaintyMilliseconds: 4000 } }),
    expected: [],
  },
  {
    what: 'a node only asks',
    readiness: changed('two', { facts: factsOf('two', { devices: [] }) }),
    expected: [one('warning', 'two', /offers no device/, /no-devices/)],
  },
  {
    what: 'a node has no engine',
    readiness: changed('two', {
      facts: factsOf('two', { engines: [{ name: 'native', unavailableReason: 'not built' }] }),
    }),
    expected: [one('problem', 'two', /native: not built/, /shoal doctor/)],
  },
  {
    what: 'no transport joins them',
    readiness: { ...readiness(), transport: { apart: ['one', 'two'], obstacles: ['tcp is not on two'] } },
    expected: [one('problem', 'transport', /nothing joins one and two: tcp is not on two/, /plugins\.json/)],
  },
  {
    what: 'a path works one way',
    topology: {
      ...topology,
      links: topology.links.filter(({ from, to }) => !(from.nodeId === 'two' && to.nodeId === 'one')),
      failures: [
        {
          from: { nodeId: 'two' },
          to: { nodeId: 'one', interfaceName: 'eth0' },
          kind: 'ethernet',
          reason: 'no answer',
          triedAt: 1,
        },
      ],
    },
    expected: [one('problem', 'one and two', /no path from two to one: eth0: no answer/, /firewalls/)],
  },
  {
    what: 'a node listens on loopback only',
    topology: {
      ...topology,
      links: topology.links.filter(({ from, to }) => ![from.nodeId, to.nodeId].includes('three')),
    },
    expected: [
      one('problem', 'one and three', /in either direction: three listens nowhere/, /--listen/),
      one('problem', 'two and three', /three listens nowhere/, /--data-address/),
    ],
  },
  {
    what: 'a node lacks the model',
    readiness: changed('two', {
      facts: factsOf('two', { model: { found: false, code: 'MODEL_NOT_FOUND', message: 'no m here' } }),
    }),
    expected: [one('problem', 'm on two', /no m here/, /Copy \/one\/m/)],
  },
  {
    what: 'a node has another model of the same name',
    readiness: changed('two', {
      facts: factsOf('two', { model: { found: true, directory: '/two/m', name: 'm', digest: 'e'.repeat(64) } }),
    }),
    expected: [one('problem', 'm on two', /other files \(digest eeeeeeeeeeee\)/, /same files/)],
  },
];

for (const {
  what,
  nodes = seenFrom('one'),
  readiness: ready = readiness(),
  topology: links = topology,
  expected,
} of cases) {
  t.test(what, async (t) => {
    const found = faulty(clusterFindings(nodes, ready, links, { nodeCount: 3, model: 'm' }));
    t.equal(found.length, expected.length, JSON.stringify(found));
    t.match(found, expected);
  });
}

t.test('nobody has the model', async (t) => {
  const { model: _model, ...bare } = factsOf('one');
  const ready = readiness((node) => ({ ...node, facts: { ...bare, nodeId: node.nodeId } }));
  t.match(faulty(clusterFindings(seenFrom('one'), ready, topology, { model: 'm' })), [
    { name: 'm', message: 'no node has it' },
  ]);
});
