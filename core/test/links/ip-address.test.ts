import {
  addressBits,
  isInSameNetwork,
  isLinkLocal,
  isLoopback,
  isSameAddress,
  isUnspecified,
  prefixLengthOf,
  withoutZone,
  zoneOf,
} from '@shoal/core/internal/links/ip-address.js';
import t from 'tap';

t.test('addresses are read in all their forms', async (t) => {
  const cases: readonly (readonly [string, bigint | undefined])[] = [
    ['10.0.0.1', 0x0a00_0001n],
    ['255.255.255.255', 0xffff_ffffn],
    ['::', 0n],
    ['::1', 1n],
    ['fe80::1', 0xfe80n * (1n << 112n) + 1n],
    ['fe80::1%eth0', 0xfe80n * (1n << 112n) + 1n],
    ['1:2:3:4:5:6:7:8', 0x0001_0002_0003_0004_0005_0006_0007_0008n],
    ['1::8', (1n << 112n) + 8n],
    ['2001:db8::', 0x2001_0db8n << 96n],
    ['::ffff:10.0.0.1', 0xffff_0a00_0001n],
    ['64:ff9b::192.0.2.33', (0x64n << 112n) + (0xff9bn << 96n) + 0xc000_0221n],
    ['', undefined],
    ['10.0.0', undefined],
    ['10.0.0.256', undefined],
    ['fe80:::1', undefined],
    ['example.org', undefined],
  ];
  for (const [text, bits] of cases) t.equal(addressBits(text)?.bits, bits, text);
});

t.test('networks', async (t) => {
  const cases: readonly (readonly [string, string, number, boolean])[] = [
    ['10.0.0.1', '10.0.0.254', 24, true],
    ['10.0.0.1', '10.0.1.1', 24, false],
    ['10.0.0.1', '10.0.1.1', 23, true],
    ['10.0.0.1', '192.168.0.1', 0, true],
    ['10.0.0.1', '10.0.0.1', 32, true],
    ['10.0.0.1', '10.0.0.2', 32, false],
    ['fd00::1', 'fd00::2', 64, true],
    ['fd00::1', 'fd00:0:0:1::2', 64, false],
    ['10.0.0.1', 'fd00::1', 0, false],
    ['nonsense', '10.0.0.1', 8, false],
  ];
  for (const [left, right, prefixLength, expected] of cases) {
    t.equal(isInSameNetwork(left, right, prefixLength), expected, `${left} ${right} /${prefixLength}`);
  }
});

t.test('ranges', async (t) => {
  for (const address of ['169.254.0.1', '169.254.255.254', 'fe80::1', 'febf::1%en0'])
    t.ok(isLinkLocal(address), address);
  for (const address of ['169.253.0.1', '10.0.0.1', 'fec0::1', 'fd00::1', '::1'])
    t.notOk(isLinkLocal(address), address);
  for (const address of ['127.0.0.1', '127.255.0.9', '::1']) t.ok(isLoopback(address), address);
  for (const address of ['128.0.0.1', '::2', '0.0.0.0']) t.notOk(isLoopback(address), address);
  for (const address of ['0.0.0.0', '::', '0:0:0:0:0:0:0:0']) t.ok(isUnspecified(address), address);
  t.notOk(isUnspecified('::1'));
  t.ok(isSameAddress('fd00:0::1', 'fd00::0:1'));
  t.notOk(isSameAddress('fd00::1', 'fd00::2'));
});

t.test('zones and netmasks', async (t) => {
  t.equal(withoutZone('fe80::1%eth0'), 'fe80::1');
  t.equal(withoutZone('10.0.0.1'), '10.0.0.1');
  t.equal(zoneOf('fe80::1%Ethernet 2'), 'Ethernet 2');
  t.equal(zoneOf('fe80::1'), undefined);
  const cases: readonly (readonly [string, number])[] = [
    ['255.255.255.0', 24],
    ['255.255.255.255', 32],
    ['0.0.0.0', 0],
    ['255.240.0.0', 12],
    ['ffff:ffff:ffff:ffff::', 64],
    ['ffff:ffff:ffff:ffff:ffff:ffff:ffff:ffff', 128],
    ['::', 0],
  ];
  for (const [netmask, length] of cases) t.equal(prefixLengthOf(netmask), length, netmask);
});
