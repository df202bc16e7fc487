/**
 * Both sides prove that they hold the secret of the load, over numbers that the other side has just drawn, before
 * anything else is read. The secret itself never travels.
 */
import { createHmac, randomBytes, timingSafeEqual } from 'node:crypto';
import { type LoadCredentials, type MemberAddress, ShoalError } from '@shoal/core';
import type { ByteReader, Connection } from './frames.js';

const nonceBytes = 16;
const proofBytes = 32;
/** Nonce, instance, epoch, stage, member. */
const helloBytes = nonceBytes + 8 + 4 + 2 + 2;

export const nameOf = ({ stage, member }: MemberAddress): string => `stage ${stage} member ${member}`;

function hello({ instance, epoch }: LoadCredentials, { stage, member }: MemberAddress): Buffer {
  const bytes = Buffer.alloc(helloBytes);
  randomBytes(nonceBytes).copy(bytes);
  bytes.write(instance.padStart(16, '0'), nonceBytes, 8, 'hex');
  bytes.writeUInt32LE(epoch, nonceBytes + 8);
  bytes.writeUInt16LE(stage, nonceBytes + 12);
  bytes.writeUInt16LE(member, nonceBytes + 14);
  return bytes;
}

const addressIn = (bytes: Buffer): MemberAddress => ({
  stage: bytes.readUInt16LE(nonceBytes + 12),
  member: bytes.readUInt16LE(nonceBytes + 14),
});

/** A side's proof covers both greetings and says which side it is, so that nobody can send it back. */
const proof = ({ secret }: LoadCredentials, side: 'caller' | 'listener', caller: Buffer, listener: Buffer): Buffer =>
  createHmac('sha256', Buffer.from(secret, 'hex')).update(side).update(caller).update(listener).digest();

/** Called by both sides, each with its own greeting out first; gives who is there. Throws TRANSPORT_* codes. */
export async function shakeHands(
  { socket, reader }: Connection,
  side: 'caller' | 'listener',
  credentials: LoadCredentials,
  self: MemberAddress,
): Promise<MemberAddress> {
  const own = hello(credentials, self);
  socket.write(own);
  const theirs = await receive(reader, helloBytes);
  const peer = addressIn(theirs);
  const [caller, listener] = side === 'caller' ? [own, theirs] : [theirs, own];
  socket.write(proof(credentials, side, caller, listener));
  const shown = await receive(reader, proofBytes);
  const expected = proof(credentials, side === 'caller' ? 'listener' : 'caller', caller, listener);
  if (!timingSafeEqual(shown, expected)) {
    throw new ShoalError('TRANSPORT_UNAUTHENTICATED', `${nameOf(peer)} does not hold the secret of this load`);
  }
  // What follows the numbers is compared only now: before, anybody could have written it.
  const [ours, found] = [own, theirs].map((bytes) => bytes.subarray(nonceBytes, nonceBytes + 12));
  if (!ours?.equals(found as Buffer)) {
    throw new ShoalError('TRANSPORT_EPOCH_MISMATCH', `${nameOf(peer)} belongs to another instance or epoch`);
  }
  return peer;
}

async function receive(reader: ByteReader, length: number): Promise<Buffer> {
  const bytes = await reader.read(length);
  if (!bytes) throw new ShoalError('TRANSPORT_UNAUTHENTICATED', 'the other side hung up during the handshake');
  return bytes;
}
