import { orderedAddresses, routedPeers, withZoneNumber } from '@shoal/transport-tcp/routes';
import t from 'tap';

const zones = new Map([
  ['eth0', 2],
  ['en5', 5],
]);

t.test('zones are numbers of this machine', async (t) => {
  t.equal(withZoneNumber('10.0.0.1', zones), '10.0.0.1');
  t.equal(withZoneNumber('fe80::1', zones), 'fe80::1');
  t.equal(withZoneNumber('fe80::1%en5', zones), 'fe80::1%5');
  t.equal(withZoneNumber('fe80::1%7', zones), 'fe80::1%7', 'Windows has numbers anyway');
  t.equal(withZoneNumber('fe80::1%gone0', zones), undefined);
});

t.test('addresses in order', async (t) => {
  const all = ['unix:/tmp/a.sock', 'tls:10.0.0.2:1', 'tls:10.0.1.2:2', 'tls:[fd00::2]:3', 'tls:[fe80::2%9]:4'];
  const cases: readonly (readonly [string, readonly string[], readonly string[]])[] = [
    ['nothing measured', [], ['unix:/tmp/a.sock', 'tls:10.0.0.2:1', 'tls:10.0.1.2:2', 'tls:[fd00::2]:3']],
    ['the second first', ['10.0.1.2'], ['unix:/tmp/a.sock', 'tls:10.0.1.2:2', 'tls:10.0.0.2:1', 'tls:[fd00::2]:3']],
    [
      'a link-local one with its zone here',
      ['fe80::2%en5', 'fd00::2'],
      ['unix:/tmp/a.sock', 'tls:[fe80::2%5]:4', 'tls:[fd00::2]:3', 'tls:10.0.0.2:1', 'tls:10.0.1.2:2'],
    ],
    [
      'an interface that has gone',
      ['fe80::2%gone0'],
      ['unix:/tmp/a.sock', 'tls:10.0.0.2:1', 'tls:10.0.1.2:2', 'tls:[fd00::2]:3'],
    ],
    [
      'where it does not listen',
      ['192.0.2.1'],
      ['unix:/tmp/a.sock', 'tls:10.0.0.2:1', 'tls:10.0.1.2:2', 'tls:[fd00::2]:3'],
    ],
  ];
  for (const [name, preferred, expected] of cases) t.same(orderedAddresses(all, preferred, zones), expected, name);
  t.same(orderedAddresses(['tls:[fe80::2%9]:4'], [], zones), ['tls:[fe80::2%9]:4'], 'never none');
  t.same(orderedAddresses(['tcp:127.0.0.1:4'], ['127.0.0.1'], zones), ['tcp:127.0.0.1:4']);
});

t.test('peers', async (t) => {
  const peer = { stage: 1, member: 0, nodeId: 'b', preferredAddresses: ['10.0.1.2'] };
  const endpoint = { transport: 'tcp', host: 'b', addresses: ['tls:10.0.0.2:1', 'tls:10.0.1.2:2'], fingerprint: 'f' };
  t.same(routedPeers([{ ...peer, endpoint }], zones), [
    { stage: 1, member: 0, nodeId: 'b', endpoint: { ...endpoint, addresses: ['tls:10.0.1.2:2', 'tls:10.0.0.2:1'] } },
  ]);
  const strange = { transport: 'tcp', host: 'b' };
  t.same(routedPeers([{ ...peer, endpoint: strange }], zones), [
    { stage: 1, member: 0, nodeId: 'b', endpoint: strange },
  ]);
});
