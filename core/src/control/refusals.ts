/** Nodes that were met and cannot be members, by what they came with. */
import type { ShoalError } from '../spec/errors.js';

/** A node that was met but cannot be a member. */
export interface RefusedPeer {
  /** Empty where it did not come to saying so. */
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly address: string;
  readonly code: string;
  readonly message: string;
}

const refusalCodes = new Set<string>(['NODE_VERSION_MISMATCH', 'NODE_NOT_A_MEMBER', 'NODE_IDENTITY_IN_USE']);

/** Most that came to this node and are remembered. */
const maximumRefusals = 256;
/** One that does not come again has gone. */
const rememberedMilliseconds = 300_000;

export function isRefusal(error: ShoalError): boolean {
  return refusalCodes.has(error.code);
}

/** What the error of an attempt says of the other side. */
export function refusedPeer(address: string, error: ShoalError): RefusedPeer {
  const text = (value: unknown) => (typeof value === 'string' ? value : '');
  const { nodeId, nodeName, softwareVersion } = error.details;
  return {
    nodeId: text(nodeId),
    nodeName: text(nodeName),
    softwareVersion: text(softwareVersion),
    address,
    code: error.code,
    message: error.message,
  };
}

/** Those that came by themselves. Those that this node went to are with the dialer. */
export class Refusals {
  private readonly entries = new Map<string, { readonly peer: RefusedPeer; at: number }>();

  /** False when that was known already. */
  add(key: string, peer: RefusedPeer): boolean {
    const known = this.entries.get(key);
    this.entries.delete(key);
    this.entries.set(key, { peer, at: performance.now() });
    const oldest = this.entries.keys().next().value;
    if (this.entries.size > maximumRefusals && oldest !== undefined) this.entries.delete(oldest);
    return known?.peer.message !== peer.message;
  }

  delete(key: string): void {
    this.entries.delete(key);
  }

  list(): RefusedPeer[] {
    const since = performance.now() - rememberedMilliseconds;
    for (const [key, { at }] of this.entries) if (at < since) this.entries.delete(key);
    return [...this.entries.values()].map(({ peer }) => peer);
  }
}
