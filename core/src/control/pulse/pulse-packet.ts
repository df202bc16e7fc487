/**
 * A pulse: one small datagram that says "I live, and my event loop turns". Fixed length, proven by HMAC before it is
 * read, and bound to one pair of nodes and one run of each, so that what was recorded earlier or elsewhere is worthless;
 * within a run the sequence only grows.
 *
 *     0  magic, version     3 bytes
 *     3  flags              1: answer at once
 *     4  channel            8, tells the receiver which key to try
 *    12  sequence           6, big-endian
 *    18  loop silence       4, big-endian milliseconds
 *    22  HMAC-SHA256        16 of 32, over everything before
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

const magic = Buffer.from([0x53, 0x70, 1]);
const channelAt = 4;
const channelBytes = 8;
const sequenceAt = 12;
const sequenceBytes = 6;
const loopAt = 18;
const proofAt = 22;
const proofBytes = 16;

export const pulseBytes = proofAt + proofBytes;

export interface Pulse {
  /** Grows with every pulse of a sender to a receiver. */
  readonly sequence: number;
  /** How long the sender's event loop has not turned. */
  readonly loopSilenceMilliseconds: number;
  readonly wantsAnswer: boolean;
}

/** One end of a pair: who it is, and which of its runs. */
export interface PulseEnd {
  readonly nodeId: string;
  readonly incarnation: string;
}

/** What one direction of a pair needs. */
export interface PulseChannel {
  /** 16 hex digits. */
  readonly name: string;
  readonly key: Uint8Array;
}

export function pulseChannel(clusterKey: Uint8Array, from: PulseEnd, to: PulseEnd): PulseChannel {
  const ends = [from.nodeId, from.incarnation, to.nodeId, to.incarnation].map((text) => `${text.length}:${text}`);
  const derive = (what: string) =>
    createHmac('sha256', clusterKey).update(`shoal pulse 1 ${what}\0${ends.join()}`).digest();
  return { name: derive('name').subarray(0, channelBytes).toString('hex'), key: derive('key') };
}

export function encodePulse(channel: PulseChannel, pulse: Pulse): Buffer {
  const bytes = Buffer.alloc(pulseBytes);
  magic.copy(bytes);
  bytes[3] = pulse.wantsAnswer ? 1 : 0;
  bytes.write(channel.name, channelAt, 'hex');
  bytes.writeUIntBE(pulse.sequence, sequenceAt, sequenceBytes);
  bytes.writeUInt32BE(Math.min(Math.max(0, Math.round(pulse.loopSilenceMilliseconds)), 0xffff_ffff), loopAt);
  prove(channel.key, bytes).copy(bytes, proofAt);
  return bytes;
}

/** Name of the channel that a datagram claims to be of; undefined when it is no pulse of this version. */
export function channelNameOf(bytes: Buffer): string | undefined {
  if (bytes.length !== pulseBytes || !magic.equals(bytes.subarray(0, magic.length))) return undefined;
  return bytes.toString('hex', channelAt, channelAt + channelBytes);
}

/** Undefined when the proof is not of this channel's key. The length was checked by `channelNameOf`. */
export function openPulse(channel: PulseChannel, bytes: Buffer): Pulse | undefined {
  if (bytes.length !== pulseBytes) return undefined;
  if (!timingSafeEqual(bytes.subarray(proofAt), prove(channel.key, bytes))) return undefined;
  return {
    sequence: bytes.readUIntBE(sequenceAt, sequenceBytes),
    loopSilenceMilliseconds: bytes.readUInt32BE(loopAt),
    wantsAnswer: ((bytes[3] ?? 0) & 1) === 1,
  };
}

function prove(key: Uint8Array, bytes: Buffer): Buffer {
  return createHmac('sha256', key).update(bytes.subarray(0, proofAt)).digest().subarray(0, proofBytes);
}
