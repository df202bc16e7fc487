import { createHash } from 'node:crypto';
import type { MemberProgram, Program } from '../spec/program.js';

/** JSON with sorted keys and no spaces: equal values give equal text whatever the order of their making. */
export function canonicalJson(value: unknown): string {
  return JSON.stringify(value, (_key, inner: unknown) => {
    if (typeof inner !== 'object' || inner === null || Array.isArray(inner)) return inner;
    return Object.fromEntries(Object.entries(inner).sort(([a], [b]) => (a < b ? -1 : 1)));
  });
}

/** SHA-256 of the canonical JSON, in hex. What a plan pins, and members compare before they load. */
export function programDigest(program: MemberProgram | Program): string {
  return createHash('sha256').update(canonicalJson(program)).digest('hex');
}
