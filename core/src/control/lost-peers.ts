/** Peers that were connected and fell out of sight, for as long as they may come back. */
import type { ShoalError } from '../spec/errors.js';
import type { messages } from './messages.js';

/** A node that is known of and cannot be reached. */
export interface UnreachablePeer {
  /** Empty: an address behind which nobody was ever met. */
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  readonly addresses: readonly string[];
  readonly code: string;
  readonly message: string;
}

const maximumLostPeers = 256;

export class LostPeers {
  private readonly peers = new Map<string, { hello: messages.Hello.$Properties; reason: ShoalError }>();

  add(hello: messages.Hello.$Properties, reason: ShoalError): void {
    const nodeId = hello.nodeId ?? '';
    this.peers.delete(nodeId);
    this.peers.set(nodeId, { hello, reason });
    const oldest = this.peers.keys().next().value;
    if (this.peers.size > maximumLostPeers && oldest !== undefined) this.peers.delete(oldest);
  }

  get(nodeId: string): messages.Hello.$Properties | undefined {
    return this.peers.get(nodeId)?.hello;
  }

  delete(nodeId: string): void {
    this.peers.delete(nodeId);
  }

  list(isSought: (nodeId: string) => boolean): UnreachablePeer[] {
    return [...this.peers]
      .filter(([nodeId]) => isSought(nodeId))
      .map(([nodeId, { hello, reason }]) => ({
        nodeId,
        nodeName: hello.nodeName ?? '',
        softwareVersion: hello.softwareVersion ?? '',
        addresses: hello.addresses ?? [],
        code: reason.code,
        message: reason.message,
      }));
  }
}
