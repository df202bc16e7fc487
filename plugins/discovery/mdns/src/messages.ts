/**
 * What nodes say over mDNS, in libp2p's form: a question for the name of the service, answered by a pointer to the peer
 * and a text per address. Whoever is on the network can send anything.
 */
import { peerIdOf } from '@shoal/core';
import { type Answer, AUTHORITATIVE_ANSWER, decode, encode, type Packet } from 'dns-packet';

export interface PeerAnswer {
  readonly peerId: string;
  readonly addresses: readonly string[];
  /** The node goes. */
  readonly leaving: boolean;
}

/** After this time without an answer a peer is forgotten. */
export const lifetimeSeconds = 120;
const maximumAddresses = 16;
/** Of a text in DNS. */
const maximumTextBytes = 255;
const peerIdPattern = /^[1-9A-HJ-NP-Za-km-z]{32,128}$/;
const addressPattern = /^(\/[^/\s]{1,128}){2,16}$/;
const addressKey = 'dnsaddr=';

export function encodeQuestion(service: string): Buffer {
  return encode({ type: 'query', questions: [{ name: service, type: 'PTR' }] });
}

/** Leaves out addresses that do not fit. `leaving` takes the answer back, with a lifetime of nothing. */
export function encodeAnswer(service: string, { peerId, addresses, leaving }: PeerAnswer): Buffer {
  // A label has 63 bytes, fewer than a peer id may have; its end differs between peers.
  const name = `${peerId.slice(-63)}.${service}`;
  const ttl = leaving ? 0 : lifetimeSeconds;
  const texts = addresses
    .map((address) => `${addressKey}${address}`)
    .filter((text) => Buffer.byteLength(text) <= maximumTextBytes)
    .slice(0, maximumAddresses);
  const answers: Answer[] = [
    { name: service, type: 'PTR', class: 'IN', ttl, data: name },
    ...texts.map((data): Answer => ({ name, type: 'TXT', class: 'IN', ttl, data })),
  ];
  return encode({ type: 'response', flags: AUTHORITATIVE_ANSWER, answers });
}

/** Undefined for what is no packet of DNS. */
export function decodePacket(bytes: Uint8Array): Packet | undefined {
  try {
    return decode(Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength));
  } catch {
    return undefined;
  }
}

export function isQuestion({ type, questions = [] }: Packet, service: string): boolean {
  return type === 'query' && questions.some(({ name, type: asked }) => asked === 'PTR' && isSameName(name, service));
}

/** The peer of an answer; undefined when it is none, another service's, or cannot be read. */
export function readAnswer({ type, answers = [], additionals = [] }: Packet, service: string): PeerAnswer | undefined {
  if (type !== 'response') return undefined;
  const pointer = answers.find((answer) => answer.type === 'PTR' && isSameName(answer.name, service));
  if (pointer === undefined) return undefined;
  const texts = [...answers, ...additionals].flatMap((answer) => (answer.type === 'TXT' ? [answer.data].flat() : []));
  const addresses = texts
    .map(String)
    .filter((text) => text.startsWith(addressKey))
    .map((text) => text.slice(addressKey.length))
    .filter((address) => addressPattern.test(address))
    .slice(0, maximumAddresses);
  const [first] = addresses;
  const peerId = first === undefined ? undefined : peerIdOf(first);
  if (peerId === undefined || !peerIdPattern.test(peerId)) return undefined;
  const own = addresses.filter((address) => peerIdOf(address) === peerId);
  return { peerId, addresses: own, leaving: 'ttl' in pointer && pointer.ttl === 0 };
}

function isSameName(left: string, right: string): boolean {
  return left.toLowerCase() === right.toLowerCase();
}
