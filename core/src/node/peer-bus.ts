/**
 * The bus of consensus over the connections of the control plane. What is said to a peer while an earlier message is on
 * its way goes together with the next one; a peer that does not answer gets no more than a bounded rest.
 */
import type { Bus } from '../consensus/environment.js';
import type { ConsensusMessage } from '../consensus/messages.js';
import type { Peers } from '../control/peers.js';
import { consensusToMessage } from './consensus-wire.js';

const answerDeadlineMilliseconds = 5000;
/** The oldest go first: what is lost is found missing when notes are compared. */
const maximumWaiting = 256;

export class PeerBus implements Bus {
  private readonly waiting = new Map<string, ConsensusMessage[]>();
  private readonly sending = new Map<string, Promise<void>>();

  constructor(private readonly peers: Peers) {}

  neighbours(): string[] {
    return this.peers.list().map(({ nodeId }) => nodeId);
  }

  send(nodeId: string, message: ConsensusMessage): void {
    const waiting = this.waiting.get(nodeId) ?? [];
    this.waiting.set(nodeId, waiting);
    waiting.push(message);
    if (waiting.length > maximumWaiting) waiting.shift();
    if (this.sending.has(nodeId)) return;
    // What is said in one turn goes together.
    const sending = Promise.resolve()
      .then(() => this.flush(nodeId))
      .finally(() => this.sending.delete(nodeId));
    this.sending.set(nodeId, sending);
  }

  /** Resolves when everything that was said so far has arrived, or cannot. */
  async settled(): Promise<void> {
    await Promise.all(this.sending.values());
  }

  private async flush(nodeId: string): Promise<void> {
    for (let batch = this.take(nodeId); batch.length > 0; batch = this.take(nodeId)) {
      const peer = this.peers.get(nodeId);
      if (!peer) return;
      const request = { messages: batch.map(consensusToMessage) };
      // Like a lost letter: its sender notices by what does not follow.
      await peer.connection
        .call('consensus', request, { deadlineMilliseconds: answerDeadlineMilliseconds })
        .catch(() => undefined);
    }
  }

  private take(nodeId: string): readonly ConsensusMessage[] {
    const batch = this.waiting.get(nodeId) ?? [];
    this.waiting.delete(nodeId);
    return batch;
  }
}
