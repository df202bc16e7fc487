// Which interfaces may be joined, and which of several links is the fastest.
import type { InterfaceKind, Link, LinkKind, NetworkInterface } from '@shoal/core';
import { isLinkLocal } from '@shoal/core/internal/links/ip-address.js';
import { fastestFirst, linksBetween, transferMicroseconds } from '@shoal/core/internal/links/link-order.js';
import { kindOfLink, pathsTo } from '@shoal/core/internal/links/link-paths.js';
import t from 'tap';

/** `eth0 ethernet 10.0.0.1/24 fe80::1/64`. */
function network(...lines: readonly string[]): NetworkInterface[] {
  return lines.map((line, index) => {
    const [name = '', kind = '', ...addresses] = line.split(' ');
    return {
      name,
      kind: kind as InterfaceKind,
      kindFrom: 'the test',
      bandwidthBytesPerSecond: { unknown: 'the test' },
      addresses: addresses.map((text) => {
        const [address = '', length] = text.split('/');
        return {
          address,
          family: address.includes(':') ? 'ipv6' : 'ipv4',
          prefixLength: Number(length),
          isLinkLocal: isLinkLocal(address),
          ...(address.startsWith('fe80') ? { scopeId: index + 1 } : {}),
        };
      }),
    };
  });
}

/** `eth0>eth1: 10.0.0.1>10.0.0.2`. */
function paths(own: readonly string[], peer: readonly string[], isSameMachine = false): string[] {
  const zoneOf = ({ name }: NetworkInterface) => name;
  return pathsTo(network(...own), network(...peer), { isSameMachine, zoneOf }).map(({ from, to, candidates }) => {
    const pairs = candidates.map(({ source, target }) => `${source ?? '*'}>${target}`);
    return `${from?.name ?? '*'}>${to.name}: ${pairs.join(' ')}`;
  });
}

t.test('one network', async (t) => {
  t.same(paths(['eth0 ethernet 10.0.0.1/24 fe80::1/64'], ['en0 ethernet 10.0.0.2/24 fe80::2/64']), [
    'eth0>en0: 10.0.0.1>10.0.0.2 fe80::1%eth0>fe80::2%eth0',
  ]);
});

t.test('two networks of their own', async (t) => {
  const own = ['eth0 ethernet 10.0.0.1/24', 'eth1 ethernet 10.0.1.1/24'];
  const peer = ['eth0 ethernet 10.0.0.2/24', 'eth1 ethernet 10.0.1.2/24'];
  t.same(paths(own, peer), ['eth0>eth0: 10.0.0.1>10.0.0.2', 'eth1>eth1: 10.0.1.1>10.0.1.2']);
});

t.test('a Thunderbolt cable beside Ethernet', async (t) => {
  const own = ['en0 ethernet 10.0.0.1/24 fe80::a/64', 'en2 thunderbolt 169.254.1.1/16 fe80::b/64'];
  const peer = ['en0 ethernet 10.0.0.2/24 fe80::c/64', 'en3 thunderbolt 169.254.1.2/16 fe80::d/64'];
  t.same(
    paths(own, peer),
    ['en0>en0: 10.0.0.1>10.0.0.2 fe80::a%en0>fe80::c%en0', 'en2>en3: fe80::b%en2>fe80::d%en2 169.254.1.1>169.254.1.2'],
    'an address with a zone comes first, and Ethernet ports are not looked for at the other end of the cable',
  );
});

t.test('two Thunderbolt ports with self-assigned addresses', async (t) => {
  const own = ['en2 thunderbolt 169.254.1.1/16 fe80::1/64', 'en3 thunderbolt 169.254.1.2/16 fe80::2/64'];
  const peer = ['en2 thunderbolt 169.254.2.1/16 fe80::9/64'];
  t.same(
    paths(own, peer),
    ['en2>en2: fe80::1%en2>fe80::9%en2', 'en3>en2: fe80::2%en3>fe80::9%en3'],
    'zones tell the ports apart, where 169.254 would leave it to the system',
  );
  t.same(
    paths(['en2 thunderbolt 169.254.1.1/16', 'en3 thunderbolt 169.254.1.2/16'], ['en2 thunderbolt 169.254.2.1/16']),
    ['*>en2: *>169.254.2.1'],
    'without zones the system chooses, and that is said',
  );
});

t.test('cable and radio on one network', async (t) => {
  t.same(
    paths(['eth0 ethernet 10.0.0.1/24', 'wlan0 wifi 10.0.0.7/24'], ['eth0 ethernet 10.0.0.2/24']),
    ['*>eth0: *>10.0.0.2'],
    'the system chooses the interface',
  );
  t.same(
    paths(
      ['eth0 ethernet 10.0.0.1/24 fe80::1/64', 'wlan0 wifi 10.0.0.7/24 fe80::7/64'],
      ['eth0 ethernet 10.0.0.2/24 fe80::2/64'],
    ),
    ['eth0>eth0: fe80::1%eth0>fe80::2%eth0', 'wlan0>eth0: fe80::7%wlan0>fe80::2%wlan0'],
    'unless a zone says which one',
  );
});

t.test('addresses that say nothing', async (t) => {
  t.same(
    paths(
      ['docker0 bridge 172.17.0.1/16', 'eth0 ethernet 10.0.0.1/24'],
      ['docker0 bridge 172.17.0.1/16', 'eth0 ethernet 10.0.0.2/24'],
    ),
    ['eth0>eth0: 10.0.0.1>10.0.0.2'],
    'an address that both have is not the other one',
  );
  t.same(paths(['lo loopback 127.0.0.1/8'], ['lo loopback 127.0.0.1/8']), [], 'loopback is one machine only');
  t.same(paths(['lo loopback 127.0.0.1/8'], ['lo loopback 127.0.0.1/8'], true), ['lo>lo: *>127.0.0.1']);
  t.same(paths([], []), []);
});

t.test('another network is reached through a router', async (t) => {
  t.same(
    paths(['eth0 ethernet 10.0.0.1/24 fe80::1/64'], ['eth0 ethernet 192.168.7.2/24 fd00::2/64 fe80::2/64']),
    ['eth0>eth0: fe80::1%eth0>fe80::2%eth0'],
    'unless the wire may be the same',
  );
  t.same(paths(['eth0 ethernet 10.0.0.1/24'], ['eth0 ethernet 192.168.7.2/24 fd00::2/64']), ['*>eth0: *>192.168.7.2']);
  t.same(paths(['tailscale0 vpn 100.64.0.1/32'], ['tailscale0 vpn 100.64.0.2/32']), ['*>tailscale0: *>100.64.0.2']);
});

t.test('there is an end to paths', async (t) => {
  const many = (last: number) =>
    Array.from({ length: 12 }, (_, index) => `en${index} unknown fe80::${index}:${last}/64`);
  t.ok(paths(many(1), many(2)).length <= 16);
});

t.test('a link is what its lesser end is', async (t) => {
  const cases: readonly (readonly [InterfaceKind, InterfaceKind, LinkKind])[] = [
    ['loopback', 'loopback', 'loopback'],
    ['ethernet', 'ethernet', 'ethernet'],
    ['ethernet', 'bridge', 'ethernet'],
    ['virtual', 'virtual', 'ethernet'],
    ['ethernet', 'wifi', 'wifi'],
    ['wifi', 'vpn', 'vpn'],
    ['thunderbolt', 'thunderbolt', 'thunderbolt'],
    ['thunderbolt', 'ethernet', 'ethernet'],
    ['unknown', 'ethernet', 'unknown'],
    ['loopback', 'ethernet', 'unknown'],
  ];
  for (const [from, to, kind] of cases) {
    t.equal(kindOfLink(from, to), kind, `${from} to ${to}`);
    t.equal(kindOfLink(to, from), kind, `${to} to ${from}`);
  }
});

function link(kind: LinkKind, latency?: number, bandwidth?: number, to = 'b'): Link {
  const measured = (value: number | undefined) =>
    value === undefined ? { unknown: 'the test' } : ({ value, source: 'measured' } as const);
  return {
    from: { nodeId: 'a' },
    to: { nodeId: to },
    kind,
    latencyMicroseconds: measured(latency),
    bandwidthBytesPerSecond: measured(bandwidth),
  };
}

t.test('the fastest link comes first', async (t) => {
  const kinds = (...links: Link[]) => fastestFirst(links).map(({ kind }) => kind);
  t.same(kinds(link('wifi'), link('ethernet'), link('thunderbolt'), link('vpn')), [
    'thunderbolt',
    'ethernet',
    'wifi',
    'vpn',
  ]);
  t.same(kinds(link('ethernet', 100, 1.2e8), link('thunderbolt', 100, 1.2e9)), ['thunderbolt', 'ethernet']);
  t.same(
    kinds(link('thunderbolt', 300, 2e8), link('ethernet', 20, 1.2e10)),
    ['ethernet', 'thunderbolt'],
    'measured, not by name',
  );
  t.same(
    kinds(link('ethernet', 100, 1e9), link('thunderbolt', 101, 1e9)),
    ['thunderbolt', 'ethernet'],
    'noise does not decide',
  );
  t.same(
    kinds(link('thunderbolt'), link('wifi', 3000, 2e7)),
    ['wifi', 'thunderbolt'],
    'what answered comes before what did not',
  );
  t.equal(transferMicroseconds(link('ethernet', 100, 1e6), 1e6), 1_000_100);
  t.same(
    linksBetween([link('wifi', 2000), link('ethernet', 100), link('ethernet', 1, 1, 'c')], 'a', 'b').map(
      ({ kind }) => kind,
    ),
    ['ethernet', 'wifi'],
  );
});

t.test('whatever the networks are, paths lead from here to the peer', async (t) => {
  let state = 11;
  const below = (bound: number) => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) % bound;
  };
  const kinds = ['ethernet', 'wifi', 'thunderbolt', 'vpn', 'bridge', 'virtual', 'unknown'] as const;
  const machine = (host: number) =>
    network(
      'lo loopback 127.0.0.1/8 ::1/128',
      ...Array.from({ length: below(5) }, (_, index) => {
        const addresses = [
          `10.0.${below(3)}.${host * 10 + index}/24`,
          `fe80::${host}:${index}/64`,
          `169.254.${host}.${index + 1}/16`,
          `fd00:0:0:${below(2)}::${host}${index}/64`,
        ].filter(() => below(2) === 0);
        return [`en${index}`, kinds[below(kinds.length)], ...addresses].join(' ');
      }),
    );
  for (let round = 0; round < 3000; round += 1) {
    const [own, peer] = [machine(1), machine(2)];
    const isSameMachine = below(4) === 0;
    const found = pathsTo(own, peer, { isSameMachine, zoneOf: ({ name }) => name });
    const addressesOf = (interfaces: readonly NetworkInterface[]) =>
      new Set(interfaces.flatMap(({ addresses }) => addresses.map(({ address }) => address)));
    const [here, there] = [addressesOf(own), addressesOf(peer)];
    const problem = found.flatMap(({ from, to, candidates }) =>
      candidates.flatMap(({ source, target }) => {
        const [plain = '', zone] = target.split('%');
        if (!there.has(plain)) return [`${target} is not the peer's`];
        if (source !== undefined && !here.has(source.split('%')[0] ?? '')) return [`${source} is not of this machine`];
        if (plain.startsWith('fe80') !== (zone !== undefined)) return [`the zone of ${target}`];
        if (zone !== undefined && zone !== from?.name) return [`${target} is not out of ${from?.name}`];
        if ((to.kind === 'loopback') !== (plain === '127.0.0.1')) return [`${target} over ${to.kind}`];
        return !isSameMachine && to.kind === 'loopback' ? ['loopback between machines'] : [];
      }),
    );
    const keys = found.map(({ from, to }) => `${from?.name} ${to.name}`);
    if (
      problem.length === 0 &&
      new Set(keys).size === keys.length &&
      found.every(({ candidates }) => candidates.length > 0)
    )
      continue;
    t.fail(`round ${round}: ${problem.join('; ') || keys.join(', ')}`, { own, peer, found });
    return;
  }
  t.pass('3000 pairs of machines');
});

t.test('an order of links is one, whatever was measured', async (t) => {
  let state = 5;
  const next = () => {
    state = (Math.imul(state, 1_103_515_245) + 12_345) & 0x7fff_ffff;
    return (state >>> 8) / 2 ** 23;
  };
  const kinds: readonly LinkKind[] = ['ethernet', 'wifi', 'thunderbolt', 'vpn', 'loopback', 'unknown'];
  for (let round = 0; round < 500; round += 1) {
    const links = Array.from({ length: 6 }, () =>
      link(
        kinds[Math.floor(next() * kinds.length)] ?? 'unknown',
        next() < 0.3 ? undefined : 10 ** (1 + 3 * next()),
        next() < 0.3 ? undefined : 10 ** (6 + 4 * next()),
      ),
    );
    const ordered = fastestFirst(links);
    t.same(fastestFirst([...links].reverse()).map(transferTime), ordered.map(transferTime), `round ${round}`);
    t.equal(new Set([...links, ...ordered]).size, links.length);
  }
});

const transferTime = (one: Link) => transferMicroseconds(one);
