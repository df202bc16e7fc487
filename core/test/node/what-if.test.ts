import type { Link, NodeFacts, NodeSummary } from '@shoal/core';
import { conditionsOf, pretend } from '@shoal/core/internal/node/what-if.js';
import { whatIfFromJson } from '@shoal/core/internal/node/what-if-wire.js';
import t from 'tap';

const gibibyte = 2 ** 30;

function facts(name: string): NodeFacts {
  const memory = (value: number) => ({ value, source: 'operating-system' as const });
  return {
    nodeId: `${name}-id`,
    nodeName: name,
    softwareVersion: '0.1.0',
    machineId: 'one',
    processId: 'p',
    platform: 'linux-x64',
    conditions: { loadByOthers: { value: 0.9, source: 'measured' } } as unknown as NonNullable<NodeFacts['conditions']>,
    devices: [
      {
        backend: 'cpu',
        capabilities: {},
        properties: {
          available: true,
          id: 'cpu',
          kind: 'cpu',
          name: 'CPU',
          memoryTotalBytes: memory(16 * gibibyte),
          memoryAvailableBytes: memory(3 * gibibyte),
          memoryBandwidthBytesPerSecond: { unknown: 'not measured' },
        },
      },
      { backend: 'cuda', capabilities: {}, properties: { available: false, id: 'cuda', reason: 'no driver' } },
    ] as unknown as NodeFacts['devices'],
    transports: [],
    engines: [],
    plugins: [],
    model: { found: true, directory: '/m', name: 'm', digest: 'ab' },
  };
}

const link = (from: string, to: string, microseconds: number): Link => ({
  from: { nodeId: `${from}-id`, interfaceName: 'eth0' },
  to: { nodeId: `${to}-id` },
  kind: 'ethernet',
  latencyMicroseconds: { value: microseconds, source: 'measured' },
  bandwidthBytesPerSecond: { value: 1e8, source: 'measured' },
});

const known = {
  facts: [facts('anna'), facts('ben')],
  links: [link('anna', 'ben', 200), link('ben', 'anna', 300)],
};

t.test('nothing pretended changes nothing', async (t) => {
  t.same(pretend(known, []), known);
});

t.test('a pretended node is an empty machine like the other one', async (t) => {
  const { facts: nodes, links } = pretend(known, [{ like: 'ben' }]);
  const [, ben, copy] = nodes;
  t.match(copy, { nodeId: 'pretended-1', nodeName: 'ben (2)', machineId: 'pretended-1', processId: 'pretended-1' });
  t.notOk(copy?.conditions, 'nobody else keeps it busy');
  t.same(copy?.model, ben?.model, 'it has the files');
  t.match(copy?.devices[0]?.properties, { memoryAvailableBytes: { value: 16 * gibibyte } });
  t.same(copy?.devices[1], ben?.devices[1], 'what cannot be used cannot be used there either');
  const ways = links.slice(2).map(({ from, to }) => `${from.nodeId} ${to.nodeId}`);
  t.same(ways, ['pretended-1 anna-id', 'anna-id pretended-1', 'ben-id pretended-1', 'pretended-1 ben-id']);
  t.match(links[4]?.latencyMicroseconds, { value: 300 });
});

t.test('several are told apart, and joined with each other', async (t) => {
  const { facts: nodes, links } = pretend(known, [
    { like: 'anna-id', name: 'cleo', memoryBytes: 5 * gibibyte },
    { like: 'anna' },
  ]);
  t.same(
    nodes.map(({ nodeName }) => nodeName),
    ['anna', 'ben', 'cleo', 'anna (3)'],
  );
  t.match(nodes[2]?.devices[0]?.properties, {
    memoryTotalBytes: { value: 5 * gibibyte, source: 'table' },
    memoryAvailableBytes: { value: 5 * gibibyte },
  });
  const has = (from: string, to: string) => links.some((one) => one.from.nodeId === from && one.to.nodeId === to);
  t.ok(has('pretended-1', 'pretended-2') && has('pretended-2', 'pretended-1'));
});

t.test('a machine alone gets a path that was not measured', async (t) => {
  const { links } = pretend({ facts: [facts('anna')], links: [] }, [{ like: 'anna' }]);
  t.match(links, [{ to: { nodeId: 'pretended-1' }, latencyMicroseconds: { unknown: /pretended/ } }, {}]);
});

t.test('who is meant must be there', async (t) => {
  const nodes = [{ nodeId: 'anna-id', nodeName: 'anna' }] as unknown as readonly NodeSummary[];
  t.throws(() => pretend(known, [{ like: 'dora' }]), { code: 'ARGUMENT_INVALID', message: /dora.*anna, ben/ });
  t.throws(() => conditionsOf({ without: ['dora'] }, nodes, []), { code: 'ARGUMENT_INVALID', message: /dora/ });
  t.throws(() => conditionsOf({ unloaded: '00' }, nodes, []), { code: 'INSTANCE_NOT_FOUND' });
  t.same(conditionsOf({ without: ['anna'] }, nodes, []).without, new Map([['anna-id', 'it is taken to be gone']]));
  t.same(conditionsOf({}, nodes, []), { without: new Map(), added: [] });
});

t.test('what comes over a socket is checked', async (t) => {
  t.same(whatIfFromJson(''), {});
  const good = { without: ['anna'], added: [{ like: 'ben', memoryBytes: 1 }], unloaded: '0123456789abcdef' };
  t.same(whatIfFromJson(JSON.stringify(good)), good);
  const bad: readonly unknown[] = [
    [],
    { without: 'anna' },
    { without: [1] },
    { added: [{}] },
    { added: [{ like: 'a', memoryBytes: -1 }] },
    { added: [{ like: 'a', name: '' }] },
    { added: Array.from({ length: 257 }, () => ({ like: 'a' })) },
    { unloaded: 3 },
    { unloaded: 'x' },
  ];
  for (const one of bad) {
    t.throws(() => whatIfFromJson(JSON.stringify(one)), { code: 'REQUEST_INVALID' }, JSON.stringify(one).slice(0, 60));
  }
});
