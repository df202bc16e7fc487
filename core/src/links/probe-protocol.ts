/**
 * How two nodes measure the path between two of their addresses: one small TCP connection, which proves both ways that
 * the cluster's key is held before anything is measured, and which node it is that answers, for the same private address
 * may belong to several machines.
 *
 *     caller     magic, version, nonce                        40 bytes
 *     responder  nonce, proof(responder)                      64
 *     caller     proof(caller)                                32
 *     then commands of 8 bytes: kind, three zeros, a number (u32, little endian)
 *       echo n   → echo n
 *       burst n  → burst m (0: not now); from then on only, of m bytes at most together:
 *       round n, then n bytes of anything → arrived t (microseconds between its first and its last byte)
 *
 * A proof is HMAC-SHA256(probe key, role ‖ id of the responder ‖ nonce of the caller ‖ nonce of the responder).
 */
import { createHmac, timingSafeEqual } from 'node:crypto';

export const greeting = Buffer.from([0x53, 0x48, 0x4c, 0x50, 1, 0, 0, 0]);
export const nonceBytes = 32;
export const proofBytes = 32;
export const greetingBytes = greeting.length + nonceBytes;
export const welcomeBytes = nonceBytes + proofBytes;
export const commandBytes = 8;

/** All rounds of a burst: enough to fill 1 Gbit/s over a round trip of 40 ms. */
export const maximumBurstBytes = 24 * 1024 * 1024;

export const commandKinds = { echo: 1, burst: 2, round: 3, arrived: 4 } as const;

export type ProbeRole = 'caller' | 'responder';

/** The cluster's key is used for one thing only, and this is another. */
export function probeKey(clusterKey: Uint8Array): Buffer {
  return createHmac('sha256', clusterKey).update('shoal link probe 1\0').digest();
}

export interface ProbeNonces {
  readonly caller: Uint8Array;
  readonly responder: Uint8Array;
}

export function proveProbe(key: Uint8Array, role: ProbeRole, responderId: string, nonces: ProbeNonces): Buffer {
  const { caller, responder } = nonces;
  return createHmac('sha256', key).update(`${role}\0${responderId}\0`).update(caller).update(responder).digest();
}

export function isProof(proof: Uint8Array, expected: Uint8Array): boolean {
  return proof.length === expected.length && timingSafeEqual(proof, expected);
}

export function encodeCommand(kind: number, value: number): Buffer {
  const command = Buffer.alloc(commandBytes);
  command.writeUInt8(kind, 0);
  command.writeUInt32LE(value, 4);
  return command;
}

export function decodeCommand(bytes: Buffer): { readonly kind: number; readonly value: number } {
  return { kind: bytes.readUInt8(0), value: bytes.readUInt32LE(4) };
}
