import type { InterfaceKind, NetworkInterface } from '@shoal/core';
import { controlRank } from '@shoal/core/internal/links/control-order.js';
import t from 'tap';

const one = (name: string, kind: InterfaceKind, address: string): NetworkInterface => ({
  name,
  kind,
  kindFrom: 'the test',
  bandwidthBytesPerSecond: { unknown: 'the test' },
  addresses: [
    {
      address,
      family: 'ipv4',
      prefixLength: address.startsWith('169') ? 16 : 24,
      isLinkLocal: address.startsWith('169'),
    },
  ],
});

const interfaces = [
  one('lo', 'loopback', '127.0.0.1'),
  one('tb0', 'thunderbolt', '10.9.9.1'),
  one('tb1', 'thunderbolt', '169.254.1.1'),
  one('wlan0', 'wifi', '10.0.1.1'),
  one('wg0', 'vpn', '10.7.0.1'),
  one('eth0', 'ethernet', '10.0.0.1'),
];

t.test('control takes the network that is always there', async (t) => {
  const wanted = [
    '/ip4/10.0.0.2/tcp/4001',
    '/ip4/10.0.1.2/tcp/4001',
    '/dns/den.local/tcp/4001',
    '/ip4/10.7.0.2/tcp/4001',
    '/ip4/10.9.9.2/tcp/4001',
    '/ip4/169.254.1.2/tcp/4001',
    '/ip4/127.0.0.1/tcp/4001',
  ];
  const byRank = [...wanted]
    .reverse()
    .sort((left, right) => controlRank(interfaces, left) - controlRank(interfaces, right));
  t.same(byRank, wanted);
  const rank = (address: string) => controlRank(interfaces, address);
  t.equal(rank('/ip4/192.168.7.7/tcp/1'), rank('/dns/den.local/tcp/4001'), 'through a router');
  t.equal(rank('nonsense'), rank('/dns/den.local/tcp/4001'));
  t.ok(rank('/ip6/fe80::1/tcp/1') > rank('/ip4/10.9.9.2/tcp/1'));
});
