import { type EventEmitter, once } from 'node:events';
import type { PeerDiscovery, Startable } from '@libp2p/interface';
import type { Multiaddr } from '@multiformats/multiaddr';
import {
  type Announcement,
  type Discovery,
  type DiscoveryAvailability,
  isLoopbackAddress,
  type Loss,
  type PluginContext,
  type Sighting,
  SightingHub,
  withPeerId,
} from '@shoal/core';
import type { MdnsOptions } from './options.js';

/** What the library's factory gives, of which its types tell only the discovery. */
type MulticastDns = PeerDiscovery & Startable & { readonly mdns?: EventEmitter };

/** How long a question may take to come back to this machine before multicast is taken to be blocked. */
const echoDeadlineMilliseconds = 1500;

/**
 * Announces a node to its local network and sees those of the same cluster, whose tag is part of the name asked for. A
 * node that listens on loopback only takes no part: there is nothing that others could reach, and no socket is opened.
 *
 * mDNS has no word for leaving that can be trusted, so that nobody is ever reported lost.
 */
export class MdnsDiscovery implements Discovery {
  readonly #options: MdnsOptions;
  readonly #log: PluginContext['log'];
  readonly #hub = new SightingHub({ seenBy: 'mdns' });
  #echoed: Promise<boolean> | undefined;

  constructor(options: MdnsOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
  }

  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss> {
    return this.#hub.watch(signal);
  }

  async announce({ peerId, addresses, clusterTag }: Announcement, signal: AbortSignal): Promise<void> {
    const reachable = addresses.filter((address) => !isLoopbackAddress(address));
    if (reachable.length === 0 || signal.aborted) return;
    // Loaded only here: a node that stays on its machine needs none of it.
    const [{ defaultLogger }, { mdns }, { multiaddr }] = await Promise.all([
      import('@libp2p/logger'),
      import('@libp2p/mdns'),
      import('@multiformats/multiaddr'),
    ]);
    const announced = reachable.map((address) => multiaddr(withPeerId(address, peerId)));
    const { port, intervalSeconds } = this.#options;
    const serviceTag = `_shoal-${clusterTag.slice(0, 16)}._udp.local`;
    const service = mdns({ serviceTag, port, interval: intervalSeconds * 1000 })({
      // Of the address manager only this is used.
      addressManager: { getAddresses: () => announced } as never,
      logger: defaultLogger(),
    }) as MulticastDns;
    service.addEventListener('peer', ({ detail: { id, multiaddrs } }) => {
      const seen = id.toString();
      // Several nodes of one machine hear one another, and each itself.
      if (seen !== peerId) this.#sight(seen, multiaddrs);
    });
    await service.start();
    this.#echoed = echo(service, signal);
    void this.#echoed.then((echoed) => {
      if (!echoed && !signal.aborted) this.#log('warn', blocked.reason, { remedy: blocked.remedy });
    });
    try {
      await aborted(signal);
    } finally {
      await service.stop();
    }
  }

  async availability(): Promise<DiscoveryAvailability> {
    if (!this.#echoed) return { available: true };
    return (await this.#echoed) ? { available: true } : blocked;
  }

  #sight(peerId: string, multiaddrs: readonly Multiaddr[]): void {
    this.#hub.see({ peerId, addresses: multiaddrs.map((address) => withPeerId(address.toString(), peerId)) });
  }
}

const blocked = {
  available: false,
  reason: 'multicast is blocked on this network: what this node sends over mDNS does not even come back to it',
  remedy:
    'Allow UDP 5353 to 224.0.0.251 in the firewall, or name peers with --peer, or list them for @shoal/discovery-static.',
} as const;

/** Whether the own questions are heard here, as multicast sends them to everybody, oneself included. */
async function echo(service: MulticastDns, signal: AbortSignal): Promise<boolean> {
  const { mdns } = service;
  if (!mdns) return false;
  const heard = new AbortController();
  const deadline = AbortSignal.any([signal, heard.signal, AbortSignal.timeout(echoDeadlineMilliseconds)]);
  mdns.on('query', () => heard.abort());
  await aborted(deadline);
  return heard.signal.aborted;
}

async function aborted(signal: AbortSignal): Promise<void> {
  if (!signal.aborted) await once(signal, 'abort');
}
