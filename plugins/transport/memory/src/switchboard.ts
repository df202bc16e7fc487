import { type LoadCredentials, type MemberAddress, ShoalError } from '@shoal/core';
import { MemoryChannel } from './memory-channel.js';

/** A member that listens: what its peers may know, and the lines to it that wait for it or for them. */
export interface Station {
  readonly credentials: LoadCredentials;
  readonly self: MemberAddress;
  /** Its ends of lines, by the id of the station at the other end; each is taken once. */
  readonly lines: Map<string, MemoryChannel>;
  /** Wakes a station that waits for somebody to pick up. */
  wake: () => void;
}

/**
 * Who listens in this process, by the id in its endpoint. Kept where every copy of this package finds it: the node and
 * a program may have one each.
 */
const key = Symbol.for('shoal.transport-memory.stations');
const shared = globalThis as { [key]?: Map<string, Station> };
shared[key] ??= new Map();

export const stations: Map<string, Station> = shared[key];

/** Throws unless both stations belong to the same load. */
export function assertSameLoad(own: LoadCredentials, peer: Station): void {
  const { stage, member } = peer.self;
  const who = `stage ${stage} member ${member}`;
  // Both secrets are in this process's memory: there is nobody from whom a comparison could hide its time.
  if (peer.credentials.instance !== own.instance || peer.credentials.secret !== own.secret) {
    throw new ShoalError('TRANSPORT_UNAUTHENTICATED', `${who} does not hold the secret of this load`);
  }
  if (peer.credentials.epoch !== own.epoch) {
    const message = `${who} is of epoch ${peer.credentials.epoch}, this member of ${own.epoch}`;
    throw new ShoalError('TRANSPORT_EPOCH_MISMATCH', message);
  }
}

/** Takes a line apart; who picks up later finds nobody. */
export function dropLine(ownId: string, own: Station, peerId: string): void {
  own.lines.get(peerId)?.close();
  own.lines.delete(peerId);
  stations.get(peerId)?.lines.delete(ownId);
}

/** This station's end of the line to another; the first of the two to ask makes the line. */
export function lineTo(ownId: string, own: Station, peerId: string, peer: Station): MemoryChannel {
  const waiting = own.lines.get(peerId);
  if (waiting) return waiting;
  const [mine, theirs] = MemoryChannel.pair(own.self, peer.self);
  own.lines.set(peerId, mine);
  peer.lines.set(ownId, theirs);
  return mine;
}
