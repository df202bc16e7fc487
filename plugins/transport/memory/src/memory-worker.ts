import { randomUUID } from 'node:crypto';
import { hostname } from 'node:os';
import {
  type ChannelSet,
  type ListenOptions,
  type MemberEndpoint,
  ShoalError,
  type TransportEndpoint,
  type TransportListener,
  type TransportWorker,
} from '@shoal/core';
import type { MemoryChannel } from './memory-channel.js';
import { assertSameLoad, dropLine, lineTo, type Station, stations } from './switchboard.js';

/** Worker half: members of one process meet at its switchboard. The bind address has no meaning here. */
export class MemoryTransportWorker implements TransportWorker {
  async listen({ credentials, self }: ListenOptions): Promise<TransportListener> {
    return new MemoryListener({ credentials, self, lines: new Map(), wake: () => undefined });
  }
}

class MemoryListener implements TransportListener {
  readonly endpoint: TransportEndpoint;
  readonly #id = randomUUID();
  readonly #station: Station;
  readonly #closing = new AbortController();
  #isUsed = false;

  constructor(station: Station) {
    this.#station = station;
    this.endpoint = { transport: 'memory', host: hostname(), id: this.#id };
    stations.set(this.#id, station);
  }

  async connect(
    peers: readonly MemberEndpoint[],
    { deadlineMilliseconds }: { readonly deadlineMilliseconds: number },
  ): Promise<ChannelSet> {
    if (this.#isUsed || this.#closing.signal.aborted) {
      throw new ShoalError('TRANSPORT_CLOSED', 'the listener was closed, or has connected already');
    }
    this.#isUsed = true;
    const { self } = this.#station;
    const others = peers.filter(({ stage, member }) => stage !== self.stage || member !== self.member);
    let ends: readonly MemoryChannel[];
    try {
      ends = others.map((other) => this.#lineTo(other));
      await this.#allPickUp(others, deadlineMilliseconds);
    } catch (thrown) {
      for (const { endpoint } of others) dropLine(this.#id, this.#station, String(endpoint.id));
      throw thrown;
    }
    return {
      channels: ends,
      close: async () => {
        for (const channel of ends) channel.close();
      },
    };
  }

  async close(): Promise<void> {
    this.#closing.abort();
    stations.delete(this.#id);
    this.#station.wake();
  }

  #lineTo({ endpoint, ...address }: MemberEndpoint): MemoryChannel {
    const peer = typeof endpoint.id === 'string' ? stations.get(endpoint.id) : undefined;
    if (!peer) throw unreachable([address], 'is not in this process, or has gone');
    assertSameLoad(this.#station.credentials, peer);
    const line = lineTo(this.#id, this.#station, endpoint.id as string, peer);
    picked.add(line);
    peer.wake();
    return line;
  }

  /** Waits until every peer has its end of the line in hand. */
  async #allPickUp(others: readonly MemberEndpoint[], deadlineMilliseconds: number): Promise<void> {
    const missing = () =>
      others.filter(({ endpoint }) => {
        const theirs = stations.get(endpoint.id as string)?.lines.get(this.#id);
        return theirs === undefined || !picked.has(theirs);
      });
    const deadline = performance.now() + deadlineMilliseconds;
    while (missing().length > 0) {
      if (this.#closing.signal.aborted) throw new ShoalError('TRANSPORT_CLOSED', 'the listener was closed');
      const remaining = deadline - performance.now();
      if (remaining <= 0) throw unreachable(missing(), `did not connect within ${deadlineMilliseconds} ms`);
      await new Promise<void>((resolve) => {
        const timer = setTimeout(resolve, remaining);
        this.#station.wake = () => {
          clearTimeout(timer);
          resolve();
        };
      });
    }
  }
}

/** Ends that their member has in hand. */
const picked = new WeakSet<MemoryChannel>();

function unreachable(missing: readonly { stage: number; member: number }[], what: string): ShoalError {
  const names = missing.map(({ stage, member }) => `stage ${stage} member ${member}`).join(', ');
  return new ShoalError('TRANSPORT_UNREACHABLE', `${names} ${what}`);
}
