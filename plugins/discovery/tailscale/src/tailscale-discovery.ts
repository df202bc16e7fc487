import { isIPv6 } from 'node:net';
import {
  type Announcement,
  type Discovery,
  type DiscoveryAvailability,
  type DiscoveryFault,
  type Loss,
  type PluginContext,
  type Sighting,
  SightingHub,
} from '@shoal/core';
import { findEndpoint } from './endpoint.js';
import { type Answer, askStatus } from './local-api.js';
import type { TailscaleOptions } from './options.js';
import { isListening } from './port-check.js';
import type { Machine, TailnetStatus } from './status.js';

/** Most machines of a tailnet run no node: those are asked ever less often. A node that starts there asks by itself. */
const longestPauseMilliseconds = 10 * 60_000;
const parallelChecks = 8;

interface Silence {
  until: number;
  pauseMilliseconds: number;
}

/**
 * The daemon knows which machines of the tailnet are online, but not what runs on them. So each is looked at on the one
 * port on which all nodes of the cluster listen, and seen when something listens there; who that is, the control plane
 * finds out. There is nothing to announce: a node is found when it listens on that port.
 */
export class TailscaleDiscovery implements Discovery {
  readonly #options: TailscaleOptions;
  readonly #log: PluginContext['log'];
  readonly #hub = new SightingHub({ seenBy: 'tailscale' });
  readonly #silent = new Map<string, Silence>();
  #told: string | undefined;

  constructor(options: TailscaleOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
  }

  watch(signal: AbortSignal): AsyncIterable<Sighting | Loss> {
    void this.#lookRepeatedly(signal);
    return this.#hub.watch(signal);
  }

  async announce({ addresses }: Announcement, signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(signal);
    if (signal.aborted || !('status' in answer) || answer.status.self === undefined) return;
    const fault = findableFault(addresses, answer.status.self, this.#options.port);
    if (fault) this.#log('warn', fault.reason, { remedy: fault.remedy });
  }

  async availability(): Promise<DiscoveryAvailability> {
    const answer = await this.#ask(new AbortController().signal);
    if ('fault' in answer) return { available: false, ...answer.fault };
    const fault = stateFault(answer.status);
    if (fault) return { available: false, ...fault };
    const { self, online } = answer.status;
    const own = self ? `this machine is ${self.addresses[0]}; ` : '';
    const detail = `${own}${online.length} others are online, each tried on port ${this.#options.port}`;
    return { available: true, detail };
  }

  async #ask(signal: AbortSignal): Promise<Answer> {
    const { socket } = this.#options;
    return askStatus(socket === undefined ? await findEndpoint() : { socketPath: socket }, signal);
  }

  async #lookRepeatedly(signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      await this.#look(signal);
      await new Promise<void>((resolve) => {
        const end = () => {
          clearTimeout(timer);
          signal.removeEventListener('abort', end);
          resolve();
        };
        const timer = setTimeout(end, this.#options.intervalSeconds * 1000);
        timer.unref();
        signal.addEventListener('abort', end);
        if (signal.aborted) end();
      });
    }
  }

  async #look(signal: AbortSignal): Promise<void> {
    const answer = await this.#ask(signal);
    if (signal.aborted) return;
    const fault = 'fault' in answer ? answer.fault : stateFault(answer.status);
    // Told once, and again when it is another one. Who was seen stays so: the daemon may only be restarting.
    if (fault?.reason !== this.#told && fault) this.#log('warn', fault.reason, { remedy: fault.remedy });
    this.#told = fault?.reason;
    if (fault || 'fault' in answer) return;
    const { online } = answer.status;
    this.#hub.retain(new Set(online.map(({ id }) => id)));
    const now = performance.now();
    // Who was seen is not looked at again: whether it still answers, the control plane knows.
    const due = online.filter(({ id }) => !this.#hub.has(id) && (this.#silent.get(id)?.until ?? 0) <= now);
    const next = due.values();
    const check = async () => {
      for (const machine of next) if (!signal.aborted) await this.#check(machine, signal);
    };
    await Promise.all(Array.from({ length: parallelChecks }, check));
  }

  async #check(machine: Machine, signal: AbortSignal): Promise<void> {
    const { port } = this.#options;
    for (const address of machine.addresses) {
      if (!(await isListening(address, port, signal))) continue;
      this.#silent.delete(machine.id);
      this.#hub.see({ key: machine.id, addresses: machine.addresses.map((one) => multiaddress(one, port)) });
      return;
    }
    if (signal.aborted) return;
    const before = this.#silent.get(machine.id)?.pauseMilliseconds ?? this.#options.intervalSeconds * 1000;
    const pauseMilliseconds = Math.min(before * 2, longestPauseMilliseconds);
    this.#silent.set(machine.id, { until: performance.now() + before, pauseMilliseconds });
  }
}

/** Why a daemon that answers is of no use; undefined when it is. */
export function stateFault({ state, hasInterface }: TailnetStatus): DiscoveryFault | undefined {
  if (state === 'NeedsLogin' || state === 'NoState') {
    return { reason: 'Tailscale is logged out', remedy: 'Log in: `tailscale up`.' };
  }
  if (state === 'NeedsMachineAuth') {
    const remedy = 'Approve the machine in the admin console of the tailnet.';
    return { reason: 'this machine waits to be approved for the tailnet', remedy };
  }
  if (state === 'Stopped') return { reason: 'Tailscale is switched off', remedy: 'Switch it on: `tailscale up`.' };
  if (state !== 'Running') return { reason: `Tailscale is not connected (${state})`, remedy: 'Wait, then look again.' };
  if (hasInterface) return undefined;
  return {
    reason: 'tailscaled runs without a network interface (userspace networking): programs cannot connect through it',
    remedy: 'Run tailscaled without --tun=userspace-networking.',
  };
}

/** Whether others, who try one port on the machine's address in the tailnet, can find this node. */
export function findableFault(addresses: readonly string[], self: Machine, port: number): DiscoveryFault | undefined {
  if (addresses.length === 0) return undefined;
  const own = new Set(self.addresses.map((address) => multiaddress(address, port)));
  if (addresses.some((address) => own.has(address.replace(/\/p2p\/.*$/, '')))) return undefined;
  const reason = `other nodes of the tailnet cannot find this one: it does not listen on ${self.addresses[0]} port ${port}`;
  return { reason, remedy: `Start it with --listen 0.0.0.0:${port}, or set the plugin’s option \`port\` everywhere.` };
}

function multiaddress(address: string, port: number): string {
  return `/${isIPv6(address) ? 'ip6' : 'ip4'}/${address}/tcp/${port}`;
}
