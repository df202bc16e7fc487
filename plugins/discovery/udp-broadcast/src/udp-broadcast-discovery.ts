import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import {
  type Announcement,
  AsyncQueue,
  type Discovery,
  type DiscoveryAvailability,
  type Loss,
  type PluginContext,
  type Sighting,
} from '@shoal/core';
import { broadcastAddresses } from './broadcast-addresses.js';
import { type Datagram, decodeDatagram, encodeDatagram } from './datagram.js';
import type { UdpBroadcastOptions } from './options.js';

/** Announcements that may get lost before a node is taken to be gone. */
const missedAnnouncements = 5;
/** Anybody can claim to be many nodes. */
const maximumPeers = 1024;

interface Heard {
  readonly sighting: Sighting;
  expires: number;
}

/**
 * Shouts over every network of this machine who is here, and listens for others of the same cluster. Sees nodes come and
 * go: one that says so, or that has not been heard for five intervals, is lost. A node that listens on loopback only
 * takes no part, and opens no socket.
 */
export class UdpBroadcastDiscovery implements Discovery {
  readonly #options: UdpBroadcastOptions;
  readonly #log: PluginContext['log'];
  readonly #watchers = new Set<AsyncQueue<Sighting | Loss>>();
  readonly #heard = new Map<string, Heard>();
  #problem: string | undefined;

  constructor(options: UdpBroadcastOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Sighting | Loss> {
    const queue = new AsyncQueue<Sighting | Loss>();
    const end = () => queue.complete();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    for (const { sighting } of this.#heard.values()) queue.push(sighting);
    this.#watchers.add(queue);
    try {
      for await (const event of queue) {
        if (signal.aborted) return;
        yield event;
      }
    } finally {
      this.#watchers.delete(queue);
      signal.removeEventListener('abort', end);
    }
  }

  async announce({ peerId, addresses, clusterTag }: Announcement, signal: AbortSignal): Promise<void> {
    const reachable = addresses.filter((address) => !/^\/(ip4\/127\.|ip6\/::1\/)/.test(address));
    if (reachable.length === 0 || signal.aborted) return;
    const own: Datagram = { tag: clusterTag, peerId, addresses: reachable, leaving: false };
    const socket = createSocket({ type: 'udp4', reuseAddr: true });
    try {
      socket.bind(this.#options.port);
      await once(socket, 'listening', { signal });
      socket.setBroadcast(true);
    } catch (thrown) {
      socket.close();
      if (!signal.aborted) this.#fail(`UDP port ${this.#options.port} cannot be listened on: ${messageOf(thrown)}`);
      return;
    }
    socket.on('error', (error) => this.#fail(error.message));
    socket.on('message', (bytes) => {
      const datagram = decodeDatagram(bytes);
      if (datagram?.tag === clusterTag && datagram.peerId !== peerId) this.#receive(datagram);
    });
    const shout = () => {
      void this.#send(socket, encodeDatagram(own));
      this.#forgetSilent();
    };
    shout();
    const timer = setInterval(shout, this.#options.intervalSeconds * 1000);
    timer.unref();
    if (!signal.aborted) await once(signal, 'abort');
    clearInterval(timer);
    await this.#send(socket, encodeDatagram({ ...own, addresses: [], leaving: true }));
    socket.close();
  }

  async availability(): Promise<DiscoveryAvailability> {
    if (this.#problem === undefined) return { available: true };
    return {
      available: false,
      reason: `broadcast does not work on this network: ${this.#problem}`,
      remedy: `Allow UDP port ${this.#options.port} in the firewall, or name peers with --peer.`,
    };
  }

  #receive({ peerId, addresses, leaving }: Datagram): void {
    if (leaving) {
      this.#lose(peerId);
      return;
    }
    if (addresses.length === 0 || (!this.#heard.has(peerId) && this.#heard.size >= maximumPeers)) return;
    const sighting: Sighting = { kind: 'seen', peerId, addresses, seenBy: 'udp-broadcast' };
    const expires = performance.now() + missedAnnouncements * this.#options.intervalSeconds * 1000;
    const known = this.#heard.get(peerId);
    if (known && known.sighting.addresses.join() === addresses.join()) {
      known.expires = expires;
      return;
    }
    this.#heard.set(peerId, { sighting, expires });
    this.#tell(sighting);
  }

  #forgetSilent(): void {
    const now = performance.now();
    for (const [peerId, { expires }] of this.#heard) if (expires < now) this.#lose(peerId);
  }

  #lose(peerId: string): void {
    const known = this.#heard.get(peerId);
    if (!known) return;
    this.#heard.delete(peerId);
    this.#tell({ kind: 'lost', peerId, addresses: known.sighting.addresses, seenBy: 'udp-broadcast' });
  }

  #tell(event: Sighting | Loss): void {
    for (const queue of this.#watchers) queue.push(event);
  }

  /** To every network there is at this moment: interfaces come and go. Resolves when it has left, or could not. */
  async #send(socket: Socket, bytes: Buffer): Promise<void> {
    const targets = broadcastAddresses(networkInterfaces());
    const problems = await Promise.all(
      targets.map(
        (address) =>
          new Promise<string | undefined>((resolve) => {
            socket.send(bytes, this.#options.port, address, (error) => resolve(error?.message));
          }),
      ),
    );
    if (problems.some((problem) => problem === undefined)) this.#problem = undefined;
    else this.#fail(problems[0] ?? 'there is no network but loopback');
  }

  #fail(problem: string): void {
    if (this.#problem === problem) return;
    this.#problem = problem;
    this.#log('warn', `broadcast does not work on this network: ${problem}`);
  }
}

function messageOf(thrown: unknown): string {
  return thrown instanceof Error ? thrown.message : String(thrown);
}
