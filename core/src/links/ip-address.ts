/** IP addresses as numbers: networks, zones, link-local ranges. Pure. */
import { isIPv4, isIPv6 } from 'node:net';

/** The bits of an address, or undefined for text that is none; a zone is passed over. */
export function addressBits(text: string): { readonly bits: bigint; readonly width: 32 | 128 } | undefined {
  const address = withoutZone(text);
  if (isIPv4(address)) return { bits: ipv4Bits(address), width: 32 };
  if (!isIPv6(address)) return undefined;
  // The last 32 bits may be written as an IPv4 address.
  const dotted = /^(.*:)(\d+\.\d+\.\d+\.\d+)$/.exec(address);
  const tail = dotted ? ipv4Bits(dotted[2] ?? '') : 0n;
  const plain = dotted ? `${dotted[1]}${(tail >> 16n).toString(16)}:${(tail & 0xffffn).toString(16)}` : address;
  const [left = '', right] = plain.split('::');
  const groups = (part: string) => (part === '' ? [] : part.split(':'));
  const [before, after] = [groups(left), groups(right ?? '')];
  const missing = right === undefined ? 0 : 8 - before.length - after.length;
  const all = [...before, ...Array.from({ length: missing }, () => '0'), ...after];
  return { bits: all.reduce((bits, group) => (bits << 16n) | BigInt(`0x${group}`), 0n), width: 128 };
}

function ipv4Bits(address: string): bigint {
  return address.split('.').reduce((bits, octet) => (bits << 8n) | BigInt(octet), 0n);
}

/** Whether both addresses lie in one network of this many leading bits. */
export function isInSameNetwork(left: string, right: string, prefixLength: number): boolean {
  const [one, other] = [addressBits(left), addressBits(right)];
  if (!one || !other || one.width !== other.width) return false;
  const shift = BigInt(Math.max(0, one.width - prefixLength));
  return one.bits >> shift === other.bits >> shift;
}

/** 169.254.0.0/16 (RFC 3927) and fe80::/10 (RFC 4291): good on one wire, and equal on different ones. */
export function isLinkLocal(address: string): boolean {
  return isInSameNetwork(address, '169.254.0.0', 16) || isInSameNetwork(address, 'fe80::', 10);
}

export function isLoopback(address: string): boolean {
  return isInSameNetwork(address, '127.0.0.0', 8) || isInSameNetwork(address, '::1', 128);
}

/** 0.0.0.0 and ::, which stand for all of a machine's addresses. */
export function isUnspecified(address: string): boolean {
  return addressBits(address)?.bits === 0n;
}

/** The same address, however it is written. */
export function isSameAddress(left: string, right: string): boolean {
  return isInSameNetwork(left, right, 128);
}

/** `fe80::1%eth0` without `%eth0`. */
export function withoutZone(address: string): string {
  const [plain = ''] = address.split('%', 1);
  return plain;
}

/** What follows the `%`; undefined without one. */
export function zoneOf(address: string): string | undefined {
  const at = address.indexOf('%');
  return at < 0 ? undefined : address.slice(at + 1);
}

/** Leading ones of a netmask such as 255.255.255.0 or ffff:ffff::. */
export function prefixLengthOf(netmask: string): number {
  const mask = addressBits(netmask);
  if (!mask) return 0;
  const text = mask.bits.toString(2).padStart(mask.width, '0');
  const end = text.indexOf('0');
  return end < 0 ? mask.width : end;
}
