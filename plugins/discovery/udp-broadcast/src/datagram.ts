/** What nodes shout: a line of JSON that fits one datagram. Whoever is on the network can send one. */

export interface Datagram {
  /** Tells clusters apart; those of others are passed over. */
  readonly tag: string;
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** The node goes. */
  readonly leaving: boolean;
}

const version = 1;
/** Fits every network without fragments. */
const maximumBytes = 1200;
const maximumAddresses = 16;
const peerIdPattern = /^[1-9A-HJ-NP-Za-km-z]{32,128}$/;
const addressPattern = /^(\/[^/\s]{1,128}){2,16}$/;

/** Leaves out addresses that do not fit. */
export function encodeDatagram({ tag, peerId, addresses, leaving }: Datagram): Buffer {
  for (let count = Math.min(addresses.length, maximumAddresses); ; count -= 1) {
    const fields = {
      shoal: version,
      tag,
      peerId,
      addresses: addresses.slice(0, count),
      ...(leaving ? { leaving } : {}),
    };
    const bytes = Buffer.from(JSON.stringify(fields));
    if (bytes.length <= maximumBytes || count === 0) return bytes;
  }
}

/** Undefined for anything that is not a datagram of this version. */
export function decodeDatagram(bytes: Uint8Array): Datagram | undefined {
  if (bytes.length > maximumBytes) return undefined;
  let value: unknown;
  try {
    value = JSON.parse(Buffer.from(bytes).toString('utf8'));
  } catch {
    return undefined;
  }
  const { shoal, tag, peerId, addresses, leaving = false } = (value ?? {}) as Record<string, unknown>;
  const isText = (text: unknown, pattern: RegExp) => typeof text === 'string' && pattern.test(text);
  const valid =
    shoal === version &&
    isText(tag, /^[0-9a-f]{8,64}$/) &&
    isText(peerId, peerIdPattern) &&
    Array.isArray(addresses) &&
    addresses.length <= maximumAddresses &&
    addresses.every((address) => isText(address, addressPattern)) &&
    typeof leaving === 'boolean';
  return valid ? ({ tag, peerId, addresses, leaving } as Datagram) : undefined;
}
