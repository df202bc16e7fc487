import { chooseTransport, type TransportNode } from '@shoal/core/internal/node/transport-choice.js';
import t from 'tap';

type Facts = TransportNode['transports'][number];

const transport = (name: string, rest: Partial<Facts> = {}): Facts => ({
  name,
  preference: 10,
  reach: 'network',
  availability: { available: true },
  ...rest,
});

/** Nodes are on machines and in processes of their own unless said otherwise. */
const node = (nodeName: string, transports: readonly Facts[], rest: Partial<TransportNode> = {}): TransportNode => ({
  nodeName,
  machineId: `machine of ${nodeName}`,
  processId: `process of ${nodeName}`,
  transports,
  ...rest,
});

const tcp = transport('tcp');
const unix = transport('unix', { preference: 20, reach: 'machine' });
const memory = transport('memory', { preference: 30, reach: 'process' });
const absent = transport('rdma', { preference: 90, availability: { available: false, reason: 'no device was found' } });
const here = { machineId: 'one' };
const inside = { machineId: 'one', processId: 'one' };

t.test('the transport that all prefer among those that join them', async (t) => {
  const all = [tcp, unix, memory, absent];
  const cases: readonly (readonly [string, readonly TransportNode[], string])[] = [
    ['alone', [node('a', all)], 'memory'],
    ['in one process', [node('a', all, inside), node('b', all, inside)], 'memory'],
    ['on one machine', [node('a', all, here), node('b', all, here)], 'unix'],
    ['on two machines', [node('a', all), node('b', all)], 'tcp'],
    ['three, one of them elsewhere', [node('a', all, here), node('b', all, here), node('c', all)], 'tcp'],
    ['one lacks the better one', [node('a', all, here), node('b', [tcp], here)], 'tcp'],
    ['the order of a list does not matter', [node('a', [unix, tcp], here), node('b', [tcp, unix], here)], 'unix'],
    [
      'the node that likes it least counts',
      [
        node('a', [transport('x', { preference: 99 }), transport('y', { preference: 50 })]),
        node('b', [transport('x', { preference: 1 }), transport('y', { preference: 50 })]),
      ],
      'y',
    ],
  ];
  for (const [name, nodes, expected] of cases) t.equal(chooseTransport(nodes), expected, name);
});

t.test('those that share none are refused by name, with what each has and why it does not do', async (t) => {
  const cases: readonly (readonly [string, readonly TransportNode[], string])[] = [
    [
      'nothing in common',
      [node('anna', [tcp]), node('ben', [unix])],
      'no transport joins anna and ben (anna has tcp; ben has unix): tcp is not on ben; unix is not on anna',
    ],
    [
      'absent hardware',
      [node('anna', [absent]), node('ben', [transport('rdma')])],
      'no transport joins anna and ben (anna has rdma; ben has rdma): ' +
        'rdma cannot be used on anna: no device was found',
    ],
    [
      'two machines',
      [node('anna', [unix]), node('ben', [unix])],
      'no transport joins anna and ben (anna has unix; ben has unix): ' +
        'unix joins members of one machine only, and ben is not on that of anna',
    ],
    [
      'two processes',
      [node('anna', [memory], here), node('ben', [memory], here)],
      'no transport joins anna and ben (anna has memory; ben has memory): ' +
        'memory joins members of one process only, and ben is not in that of anna',
    ],
    ['none at all', [node('anna', [])], 'no transport joins anna (anna has none): none is listed'],
    [
      'the pair that is apart, not those that are together',
      [node('anna', [tcp]), node('ben', [tcp, unix]), node('carl', [unix])],
      'no transport joins anna and carl (anna has tcp; carl has unix): tcp is not on carl; unix is not on anna',
    ],
    [
      'each pair shares one, but not all the same',
      [node('a', [tcp, transport('x')]), node('b', [tcp, transport('y')]), node('c', [transport('x'), transport('y')])],
      'no transport joins a and b and c (a has tcp, x; b has tcp, y; c has x, y): ' +
        'tcp is not on c; x is not on b; y is not on a',
    ],
  ];
  for (const [name, nodes, message] of cases) {
    t.throws(() => chooseTransport(nodes), { code: 'TRANSPORT_UNAVAILABLE', message }, name);
  }
});
