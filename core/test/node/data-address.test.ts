import type { NetworkInterface } from '@shoal/core';
import { dataAddresses, probeAddresses } from '@shoal/core/internal/node/data-address.js';
import t from 'tap';

const unknown = { unknown: 'the test' } as const;
const v4 = (address: string, isLinkLocal = false) =>
  ({ address, family: 'ipv4', prefixLength: 24, isLinkLocal }) as const;
const v6 = (address: string, isLinkLocal: boolean) =>
  ({ address, family: 'ipv6', prefixLength: 64, isLinkLocal, ...(isLinkLocal ? { scopeId: 3 } : {}) }) as const;

const interfaces: readonly NetworkInterface[] = [
  {
    name: 'lo',
    kind: 'loopback',
    kindFrom: '',
    bandwidthBytesPerSecond: unknown,
    addresses: [v4('127.0.0.1'), v6('::1', false)],
  },
  { name: 'wlan0', kind: 'wifi', kindFrom: '', bandwidthBytesPerSecond: unknown, addresses: [v4('10.0.1.1')] },
  {
    name: 'tb0',
    kind: 'thunderbolt',
    kindFrom: '',
    bandwidthBytesPerSecond: unknown,
    addresses: [v4('169.254.9.9', true), v6('fe80::9', true)],
  },
  {
    name: 'eth0',
    kind: 'ethernet',
    kindFrom: '',
    bandwidthBytesPerSecond: unknown,
    addresses: [v4('10.0.0.1'), v6('2001:db8::1', false)],
  },
];

t.test('workers listen where their node does', async (t) => {
  const zone = process.platform === 'win32' ? '3' : 'tb0';
  const local = ['10.0.0.1', '10.0.1.1', '169.254.9.9', `fe80::9%${zone}`];
  const cases: readonly (readonly [string, readonly string[], readonly string[], readonly string[]])[] = [
    ['loopback', ['/ip4/127.0.0.1/tcp/0'], [], ['127.0.0.1']],
    ['nothing', [], [], ['127.0.0.1']],
    ['one address', ['/ip4/10.0.0.1/tcp/7'], [], ['10.0.0.1']],
    ['loopback and one', ['/ip4/127.0.0.1/tcp/7', '/ip4/10.0.0.1/tcp/7'], [], ['10.0.0.1']],
    ['all', ['/ip4/0.0.0.0/tcp/7'], [], local],
    ['all of IPv6', ['/ip6/::/tcp/7'], [], ['10.0.0.1', '10.0.1.1', '2001:db8::1', '169.254.9.9', `fe80::9%${zone}`]],
    ['configured', ['/ip4/0.0.0.0/tcp/7'], ['10.0.1.1'], ['10.0.1.1']],
    ['configured loopback', ['/ip4/0.0.0.0/tcp/7'], ['127.0.0.1'], ['127.0.0.1']],
    ['configured all', ['/ip4/127.0.0.1/tcp/7'], ['0.0.0.0'], local],
    ['a name', ['/dns/den.local/tcp/7'], [], ['127.0.0.1']],
  ];
  for (const [name, listen, configured, expected] of cases)
    t.same(dataAddresses(listen, configured, interfaces), expected, name);
  t.same(dataAddresses(['/ip4/0.0.0.0/tcp/7'], [], []), ['127.0.0.1'], 'without any interface');
});

t.test('probes are answered on loopback, too', async (t) => {
  t.same(probeAddresses(['10.0.0.1', '10.0.1.1']), ['10.0.0.1', '10.0.1.1', '127.0.0.1']);
  t.same(probeAddresses(['127.0.0.1']), ['127.0.0.1']);
});
