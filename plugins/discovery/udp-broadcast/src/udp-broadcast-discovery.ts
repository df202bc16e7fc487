import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { networkInterfaces } from 'node:os';
import {
  type Announcement,
  type Discovery,
  type DiscoveryAvailability,
  isLoopbackAddress,
  type Loss,
  type PluginContext,
  type Sighting,
  SightingHub,
} from '@shoal/core';
import { broadcastAddresses } from './broadcast-addresses.js';
import { probeBroadcast, send } from './broadcast-probe.js';
import { type Datagram, decodeDatagram, encodeDatagram } from './datagram.js';
import type { UdpBroadcastOptions } from './options.js';

/** Announcements that may get lost before a node is taken to be gone. */
const missedAnnouncements = 5;

/**
 * Shouts over every network of this machine who is here, and listens for others of the same cluster. Sees nodes come and
 * go: one that says so, or that has not been heard for five intervals, is lost. A node that listens on loopback only
 * takes no part, and opens no socket.
 */
export class UdpBroadcastDiscovery implements Discovery {
  readonly #options: UdpBroadcastOptions;
  readonly #log: PluginContext['log'];
  readonly #hub: SightingHub;
  #problem: string | undefined;

  constructor(options: UdpBroadcastOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
    const lifetimeMilliseconds = missedAnnouncements * options.intervalSeconds * 1000;
    this.#hub = new SightingHub({ seenBy: 'udp-broadcast', lifetimeMilliseconds });
  }

  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss> {
    return this.#hub.watch(signal);
  }

  async announce({ peerId, addresses, clusterTag }: Announcement, signal: AbortSignal): Promise<void> {
    const reachable = addresses.filter((address) => !isLoopbackAddress(address));
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
      this.#hub.expire();
    };
    const timer = setInterval(shout, this.#options.intervalSeconds * 1000);
    timer.unref();
    const leave = async () => {
      clearInterval(timer);
      await this.#send(socket, encodeDatagram({ ...own, addresses: [], leaving: true }));
      socket.close();
    };
    signal.addEventListener('abort', () => void leave(), { once: true });
    await this.#send(socket, encodeDatagram(own));
  }

  async availability(): Promise<DiscoveryAvailability> {
    const { port } = this.#options;
    const remedy = `Allow UDP port ${port} in the firewall, or name peers with --peer.`;
    const unavailable = (reason: string) => ({ available: false, reason, remedy }) as const;
    try {
      const results = await probeBroadcast(broadcastAddresses(networkInterfaces()), port);
      const open = results.filter(({ problem }) => problem === undefined).map(({ address }) => address);
      const faults = results.flatMap(({ address, problem }) =>
        problem === undefined ? [] : [{ reason: `broadcast is blocked on ${address}: ${problem}`, remedy }],
      );
      if (results.length === 0) return unavailable('this machine has no network but loopback (no IPv4 address)');
      if (open.length === 0) return unavailable(faults.map(({ reason }) => reason).join('; '));
      return { available: true, detail: `${open.join(', ')} let broadcast through`, faults };
    } catch (thrown) {
      return unavailable(`UDP port ${port} cannot be listened on: ${messageOf(thrown)}`);
    }
  }

  #receive({ peerId, addresses, leaving }: Datagram): void {
    if (leaving) this.#hub.lose(peerId);
    else this.#hub.see({ peerId, addresses });
  }

  /** To every network there is at this moment: interfaces come and go. Resolves when it has left, or could not. */
  async #send(socket: Socket, bytes: Buffer): Promise<void> {
    const targets = broadcastAddresses(networkInterfaces());
    const { port } = this.#options;
    const problems = await Promise.all(targets.map((address) => send(socket, bytes, port, address)));
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
