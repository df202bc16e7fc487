/**
 * The node's side of the pulse thread: whom to exchange pulses with, and what they say. Where there can be no thread,
 * or no datagram gets through, nothing is lost but speed: control pings still decide.
 */
import { Worker } from 'node:worker_threads';
import { hostOfMultiaddress, isLoopbackHost, isOwnHost } from '../same-machine.js';
import { type PulseEnd, pulseChannel } from './pulse-packet.js';
import type { PulseAddress, PulseNews, PulseOrder, PulseThreadOptions } from './pulse-protocol.js';
import type { PulseState } from './pulse-track.js';

const beatIntervalMilliseconds = 500;
const startDeadlineMilliseconds = 2000;
/** Heap of the thread, which holds some numbers for each peer. */
const heapMegabytes = { maxOldGenerationSizeMb: 32, maxYoungGenerationSizeMb: 1 } as const;

/** What the pulses of a peer say. `none`: it is on this machine, or there are no pulses. */
export interface PulseView {
  readonly state: PulseState | 'none';
  readonly isLoopStalled: boolean;
  readonly silenceMilliseconds: number;
}

export const noPulse: PulseView = { state: 'none', isLoopStalled: false, silenceMilliseconds: 0 };

export interface PulsesOptions {
  readonly clusterKey: Uint8Array;
  readonly changed: (nodeId: string) => void;
  readonly returned: (nodeId: string) => void;
  readonly problem: (message: string) => void;
}

export class Pulses {
  private self: PulseEnd | undefined;
  private worker: Worker | undefined;
  private beating: NodeJS.Timeout | undefined;
  private readonly views = new Map<string, PulseView>();
  private listenPort: number | undefined;
  private stopped = false;

  constructor(private readonly options: PulsesOptions) {}

  /** Where peers may send pulses; absent when this node does not listen beyond this machine. */
  get port(): number | undefined {
    return this.listenPort;
  }

  /**
   * Resolves when the sockets listen. `listen`: what the control plane was told to listen on; `bound`: the addresses
   * that came of it, with their ports.
   */
  async start(self: PulseEnd, listen: readonly string[], bound: readonly string[]): Promise<void> {
    this.self = self;
    const ports = bound.flatMap((address) => Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0) || []);
    const addresses = listen.flatMap((address): PulseAddress[] => {
      const host = hostOfMultiaddress(address);
      if (host === undefined || !/^\/ip[46]\//.test(address) || isLoopbackHost(host)) return [];
      return [{ host, port: Number(/\/tcp\/(\d+)/.exec(address)?.[1] ?? 0) || (ports[0] ?? 0) }];
    });
    if (addresses.length > 0) await this.startThread(addresses);
  }

  /**
   * Exchanges pulses with a peer. `remote`: the other end of its connection, as a multiaddress; `port`: where it says
   * that it listens for pulses.
   */
  watch(peer: PulseEnd, remote: string, port: number | undefined): void {
    const host = hostOfMultiaddress(remote);
    if (this.stopped || !this.self || peer.incarnation === '' || host === undefined || isOwnHost(host)) return;
    if (!this.worker) void this.startThread([]);
    this.views.set(peer.nodeId, { state: 'unproven', isLoopStalled: false, silenceMilliseconds: 0 });
    this.order({
      kind: 'watch',
      nodeId: peer.nodeId,
      outgoing: pulseChannel(this.options.clusterKey, this.self, peer),
      incoming: pulseChannel(this.options.clusterKey, peer, this.self),
      address: port ? { host, port } : undefined,
    });
  }

  viewOf(nodeId: string): PulseView {
    return this.views.get(nodeId) ?? noPulse;
  }

  /** The peer is lost; `returned` is called when it is heard again. */
  awaitReturn(nodeId: string): void {
    if (this.views.delete(nodeId)) this.order({ kind: 'await-return', nodeId });
  }

  forget(nodeId: string): void {
    this.views.delete(nodeId);
    this.order({ kind: 'forget', nodeId });
  }

  async stop(): Promise<void> {
    this.stopped = true;
    clearInterval(this.beating);
    this.views.clear();
    await this.worker?.terminate();
  }

  private order(order: PulseOrder): void {
    this.worker?.postMessage(order);
  }

  private async startThread(listen: readonly PulseAddress[]): Promise<void> {
    const beat = new SharedArrayBuffer(4);
    const workerData: PulseThreadOptions = { listen, beat, beatIntervalMilliseconds };
    let worker: Worker;
    try {
      worker = new Worker(new URL('./pulse-thread.js', import.meta.url), {
        workerData,
        // Not the process's: debugger options and the like would collide.
        execArgv: [],
        resourceLimits: heapMegabytes,
      });
    } catch (thrown) {
      this.fail(thrown);
      return;
    }
    this.worker = worker;
    worker.unref();
    const counter = new Int32Array(beat);
    this.beating = setInterval(() => Atomics.add(counter, 0, 1), beatIntervalMilliseconds);
    this.beating.unref();
    worker.on('error', (thrown) => {
      if (this.worker === worker) this.fail(thrown);
    });
    await new Promise<void>((resolve) => {
      const timer = setTimeout(resolve, startDeadlineMilliseconds);
      worker.on('message', (news: PulseNews) => {
        if (news.kind === 'ready') {
          clearTimeout(timer);
          resolve();
        }
        this.hear(news);
      });
      worker.once('exit', () => {
        clearTimeout(timer);
        resolve();
      });
    });
  }

  private hear(news: PulseNews): void {
    switch (news.kind) {
      case 'ready':
        this.listenPort = news.port;
        for (const problem of news.problems) {
          this.options.problem(`pulses cannot be heard: ${problem}; the silent loss of a node is noticed late`);
        }
        break;
      case 'changed': {
        const { nodeId, state, isLoopStalled, silenceMilliseconds } = news;
        if (!this.views.has(nodeId)) break;
        this.views.set(nodeId, { state, isLoopStalled, silenceMilliseconds });
        this.options.changed(nodeId);
        break;
      }
      case 'returned':
        this.options.returned(news.nodeId);
    }
  }

  /** Without its thread the node goes on as if no pulse had ever come. */
  private fail(thrown: unknown): void {
    clearInterval(this.beating);
    this.worker = undefined;
    this.listenPort = undefined;
    const watched = [...this.views.keys()];
    this.views.clear();
    const reason = thrown instanceof Error ? thrown.message : String(thrown);
    this.options.problem(`the pulse thread failed: ${reason}; the silent loss of a node is noticed late`);
    for (const nodeId of watched) this.options.changed(nodeId);
  }
}
