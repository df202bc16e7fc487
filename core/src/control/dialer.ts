/** Keeps trying to reach what discovery has seen: at once, then ever less often, until it is connected or lost. */
import { ShoalError } from '../spec/errors.js';

export interface DialerOptions {
  /** Resolves with the id of the peer that answered, or rejects with NODE_*. */
  readonly connect: (addresses: readonly string[], signal: AbortSignal) => Promise<string>;
  readonly isConnected: (nodeId: string) => boolean;
  readonly failed: (address: string, error: ShoalError) => void;
}

const firstRetryMilliseconds = 250;
const longestRetryMilliseconds = 10_000;

interface Target {
  peerId: string | undefined;
  addresses: readonly string[];
  retryMilliseconds: number;
  timer: NodeJS.Timeout | undefined;
  dialing: boolean;
  /** Has the first attempt had an outcome? */
  settled: boolean;
}

export class Dialer {
  private readonly targets = new Map<string, Target>();
  private readonly controller = new AbortController();
  private waiting: (() => void)[] = [];

  constructor(private readonly options: DialerOptions) {}

  /** A peer, or a bare address behind which a peer may be. */
  add(peerId: string | undefined, addresses: readonly string[]): void {
    if (addresses.length === 0) return;
    const key = targetKey(peerId, addresses);
    const existing = this.targets.get(key);
    if (existing) {
      existing.addresses = addresses;
      return;
    }
    const target: Target = {
      peerId,
      addresses,
      retryMilliseconds: firstRetryMilliseconds,
      timer: undefined,
      dialing: false,
      settled: false,
    };
    this.targets.set(key, target);
    void this.dial(key, target);
  }

  forget(peerId: string | undefined, addresses: readonly string[]): void {
    const key = targetKey(peerId, addresses);
    clearTimeout(this.targets.get(key)?.timer);
    this.targets.delete(key);
    this.awaken();
  }

  /** A peer that was connected is so no longer. */
  retry(nodeId: string): void {
    for (const [key, target] of this.targets) {
      if (target.peerId !== nodeId || target.dialing || target.timer) continue;
      target.retryMilliseconds = firstRetryMilliseconds;
      this.schedule(key, target);
    }
  }

  /** Resolves when every target known now has been tried once; throws when the signal aborts. */
  async settled(signal?: AbortSignal): Promise<void> {
    while ([...this.targets.values()].some((target) => !target.settled)) {
      signal?.throwIfAborted();
      await new Promise<void>((resolve) => {
        this.waiting.push(resolve);
        signal?.addEventListener('abort', () => resolve(), { once: true });
      });
    }
  }

  stop(): void {
    this.controller.abort(new ShoalError('CLUSTER_CLOSED', 'the node is stopping'));
    for (const target of this.targets.values()) clearTimeout(target.timer);
    this.targets.clear();
    this.awaken();
  }

  private async dial(key: string, target: Target): Promise<void> {
    target.timer = undefined;
    if (target.dialing || this.controller.signal.aborted) return;
    if (target.peerId !== undefined && this.options.isConnected(target.peerId)) return this.settle(target);
    target.dialing = true;
    try {
      target.peerId = await this.options.connect(target.addresses, this.controller.signal);
      target.retryMilliseconds = firstRetryMilliseconds;
    } catch (thrown) {
      const error = ShoalError.from(thrown, 'NODE_UNREACHABLE');
      if (this.targets.get(key) !== target) return;
      this.options.failed(target.addresses[0] ?? key, error);
      // An address of this very node, or no address at all, will not become another one.
      const hopeless = error.code === 'ARGUMENT_INVALID' || /dial self/.test(error.message);
      if (!hopeless) this.schedule(key, target);
    } finally {
      target.dialing = false;
      this.settle(target);
    }
  }

  private schedule(key: string, target: Target): void {
    // Spread, so that nodes that lost each other do not meet in lockstep.
    const delay = target.retryMilliseconds * (0.75 + Math.random() / 2);
    target.retryMilliseconds = Math.min(target.retryMilliseconds * 2, longestRetryMilliseconds);
    target.timer = setTimeout(() => void this.dial(key, target), delay);
    target.timer.unref();
  }

  private settle(target: Target): void {
    target.settled = true;
    this.awaken();
  }

  private awaken(): void {
    const waiting = this.waiting;
    this.waiting = [];
    for (const resolve of waiting) resolve();
  }
}

function targetKey(peerId: string | undefined, addresses: readonly string[]): string {
  return peerId ?? addresses.join(' ');
}
