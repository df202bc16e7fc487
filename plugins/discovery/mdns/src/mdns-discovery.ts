import { networkInterfaces } from 'node:os';
import {
  type Announcement,
  type Discovery,
  type DiscoveryAvailability,
  type DiscoveryFault,
  isLoopbackAddress,
  type Loss,
  type PluginContext,
  type Sighting,
  SightingHub,
  withPeerId,
} from '@shoal/core';
import { multicastInterfaces } from './interfaces.js';
import { lifetimeSeconds, type PeerAnswer } from './messages.js';
import { type ProbeResult, probeMulticast } from './multicast-probe.js';
import type { MdnsOptions } from './options.js';
import { Responder } from './responder.js';

/**
 * Announces a node on every local network and sees those of the same cluster, whose tag is part of the name asked for. A
 * node that listens on loopback only takes no part: there is nothing that others could reach, and no socket is opened.
 */
export class MdnsDiscovery implements Discovery {
  readonly #options: MdnsOptions;
  readonly #log: PluginContext['log'];
  readonly #hub: SightingHub;

  constructor(options: MdnsOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
    // An answer may get lost where questions are rare.
    const lifetimeMilliseconds = Math.max(lifetimeSeconds, 3 * options.intervalSeconds) * 1000;
    this.#hub = new SightingHub({ seenBy: 'mdns', lifetimeMilliseconds });
  }

  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss> {
    return this.#hub.watch(signal);
  }

  async announce({ peerId, addresses, clusterTag }: Announcement, signal: AbortSignal): Promise<void> {
    const reachable = addresses.filter((address) => !isLoopbackAddress(address));
    if (reachable.length === 0 || signal.aborted) return;
    const { port, intervalSeconds } = this.#options;
    const own = { peerId, addresses: reachable.map((address) => withPeerId(address, peerId)), leaving: false };
    const responder = new Responder({
      service: `_shoal-${clusterTag.slice(0, 16)}._udp.local`,
      port,
      own,
      networks: () => multicastInterfaces(networkInterfaces()),
      heard: (peer) => this.#heard(peer),
    });
    await responder.open();
    const intervalMilliseconds = intervalSeconds * 1000;
    let timer: NodeJS.Timeout;
    const askLater = () => {
      // Spread, so that one node is the first to ask.
      const wait = intervalMilliseconds * (0.8 + 0.4 * Math.random());
      timer = setTimeout(() => {
        void responder.askWhereSilent(intervalMilliseconds * 0.75);
        this.#hub.expire();
        askLater();
      }, wait);
      timer.unref();
    };
    askLater();
    const leave = () => {
      clearTimeout(timer);
      void responder.close();
    };
    signal.addEventListener('abort', leave, { once: true });
    if (signal.aborted) leave();
    else void this.#warn(signal);
  }

  async availability(): Promise<DiscoveryAvailability> {
    return describe(await probeMulticast(multicastInterfaces(networkInterfaces()), this.#options.port));
  }

  #heard({ peerId, addresses, leaving }: PeerAnswer): void {
    if (leaving) this.#hub.lose(peerId);
    else this.#hub.see({ peerId, addresses });
  }

  /** Said once in the node's log: why nobody is found is hard to guess. */
  async #warn(signal: AbortSignal): Promise<void> {
    const availability = await this.availability();
    if (signal.aborted) return;
    for (const { reason, remedy } of availability.available ? (availability.faults ?? []) : [availability]) {
      this.#log('warn', reason, { remedy });
    }
  }
}

/** Where each system lets people allow it. */
const permissions: Partial<Record<NodeJS.Platform, string>> = {
  darwin: 'Allow the program that runs the node in System Settings, Privacy & Security, Local Network',
  win32: 'Set the network to private in Settings, and allow the node (UDP 5353) in the Windows firewall',
};
const remedy =
  `${permissions[process.platform] ?? 'Allow UDP 5353 to 224.0.0.251 in the firewall'}. Else name a node with --peer,` +
  ' list it for @shoal/discovery-static or as bootstrap of @shoal/discovery-dht, or try @shoal/discovery-udp-broadcast.';

/** Exported for its test. */
export function describe(results: readonly ProbeResult[]): DiscoveryAvailability {
  if (results.length === 0) {
    const reason = 'this machine has no network but loopback (no IPv4 address)';
    return { available: false, reason, remedy: 'Connect it to a network.' };
  }
  const faults = results.flatMap(({ network, problem }): DiscoveryFault[] => {
    if (problem === undefined) return [];
    const reason = `multicast is blocked on ${network.name} (${network.address}): ${problem}`;
    return [{ reason, remedy }];
  });
  const open = results.filter(({ problem }) => problem === undefined);
  if (open.length === 0) {
    return { available: false, reason: faults.map(({ reason }) => reason).join('; '), remedy };
  }
  const detail = open.map(({ network, others }) => `${network.name} lets multicast through, ${crowd(others.size)}`);
  return { available: true, detail: detail.join('; '), ...(faults.length === 0 ? {} : { faults }) };
}

/** Many wireless networks keep their stations apart, and no station alone can see that. */
function crowd(others: number): string {
  if (others === 0) return 'but no other machine was heard: there is none, or the network keeps them apart';
  return others === 1 ? 'and another machine was heard' : `and ${others} other machines were heard`;
}
