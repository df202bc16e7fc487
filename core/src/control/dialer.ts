/**
 * Keeps trying to reach what was sighted: at once, then ever less often. One peer may be sighted in many ways; all the
 * addresses are tried as one.
 */
import { ShoalError } from '../spec/errors.js';

/** How an address is known. What only another peer told of is given up soon. */
export type SightingOrigin = 'configured' | 'discovered' | 'hearsay';

export interface DialerSighting {
  /** Absent: a bare address behind which a peer may be. */
  readonly peerId: string | undefined;
  readonly addresses: readonly string[];
  readonly seenBy: string;
  readonly origin: SightingOrigin;
}

/** Something that was sighted and is not connected. */
export interface Failing {
  readonly peerId: string | undefined;
  readonly addresses: readonly string[];
  /** Who sighted it. */
  readonly seenBy: readonly string[];
  /** The most reliable of those. */
  readonly origin: SightingOrigin;
  readonly attempts: number;
  readonly error: ShoalError;
}

export interface DialerOptions {
  /** Resolves with the id of the peer that answered, or rejects with NODE_*. */
  readonly connect: (addresses: readonly string[], signal: AbortSignal) => Promise<string>;
  readonly isConnected: (nodeId: string) => boolean;
  /** An attempt failed; `attempts`: so many in a row. */
  readonly failed: (failing: Failing) => void;
}

const firstRetryMilliseconds = 250;
const longestRetryMilliseconds = 10_000;
/** Where nobody has answered for ten minutes, or who was there has left. */
const gentleRetryMilliseconds = 60_000;
const eagerForMilliseconds = 600_000;
/** What nobody but peers speak of is given up after this. */
const hearsayPatienceMilliseconds = 60_000;
/** A peer that a plugin found once and that never answers is given up after this; seen again, it is tried again. */
const discoveredPatienceMilliseconds = 3_600_000;

interface Source {
  readonly addresses: readonly string[];
  readonly origin: SightingOrigin;
}

interface Target {
  /** Of who is, or was last, behind the addresses. */
  peerId: string | undefined;
  readonly isBare: boolean;
  readonly sources: Map<string, Source>;
  retryMilliseconds: number;
  timer: NodeJS.Timeout | undefined;
  dialing: boolean;
  /** Has the first attempt had an outcome? */
  settled: boolean;
  attempts: number;
  failingSince: number;
  error: ShoalError | undefined;
  /** Who was there has said goodbye, so that nobody needs to hear that it does not answer. */
  hasLeft: boolean;
}

export class Dialer {
  private readonly targets = new Map<string, Target>();
  private readonly controller = new AbortController();
  private waiting: (() => void)[] = [];

  constructor(private readonly options: DialerOptions) {}

  add({ peerId, addresses, seenBy, origin }: DialerSighting): void {
    if (addresses.length === 0 || this.controller.signal.aborted) return;
    const key = targetKey(peerId, addresses);
    const known = this.targets.get(key);
    if (known) {
      const before = known.sources.get(seenBy)?.addresses.join(' ');
      known.sources.set(seenBy, { addresses, origin });
      // It is there again, or somewhere else: that is news worth an attempt.
      if (before !== addresses.join(' ') || known.hasLeft) this.hurry(key, known);
      return;
    }
    const target: Target = {
      peerId,
      isBare: peerId === undefined,
      sources: new Map([[seenBy, { addresses, origin }]]),
      retryMilliseconds: firstRetryMilliseconds,
      timer: undefined,
      dialing: false,
      settled: false,
      attempts: 0,
      failingSince: 0,
      error: undefined,
      hasLeft: false,
    };
    this.targets.set(key, target);
    void this.dial(key, target);
  }

  /** The one who sighted it says that it has gone. */
  forget({ peerId, addresses, seenBy }: Omit<DialerSighting, 'origin'>): void {
    const key = targetKey(peerId, addresses);
    const target = this.targets.get(key);
    if (!target?.sources.delete(seenBy)) return;
    if (target.sources.size === 0) this.drop(key, target);
  }

  /** A peer that was connected is so no longer. */
  lost(nodeId: string): void {
    for (const [key, target] of this.of(nodeId)) {
      target.hasLeft = false;
      target.retryMilliseconds = firstRetryMilliseconds;
      if (!target.dialing && !target.timer) this.schedule(key, target);
    }
  }

  /** A peer said goodbye: what it may come back to is tried now and then, and hearsay about it is forgotten. */
  left(nodeId: string): void {
    for (const [key, target] of this.of(nodeId)) {
      for (const [seenBy, { origin }] of target.sources) if (origin === 'hearsay') target.sources.delete(seenBy);
      if (target.sources.size === 0) {
        this.drop(key, target);
        continue;
      }
      target.hasLeft = true;
      target.retryMilliseconds = longestRetryMilliseconds;
      if (!target.dialing && !target.timer) this.schedule(key, target);
    }
  }

  /** There is a sign of life of a peer. */
  returned(nodeId: string): void {
    for (const [key, target] of this.of(nodeId)) this.hurry(key, target);
  }

  /** Whether it is still being tried. */
  isTrying(nodeId: string): boolean {
    return this.of(nodeId).length > 0;
  }

  /** What does not answer, or refuses. */
  failing(): Failing[] {
    return [...this.targets.values()].flatMap((target) => failingOf(target) ?? []);
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

  private of(nodeId: string): [string, Target][] {
    return [...this.targets].filter(([, { peerId }]) => peerId === nodeId);
  }

  private drop(key: string, target: Target): void {
    clearTimeout(target.timer);
    this.targets.delete(key);
    this.awaken();
  }

  /** Tries at once, unless it is connected or being tried. */
  private hurry(key: string, target: Target): void {
    target.hasLeft = false;
    target.retryMilliseconds = firstRetryMilliseconds;
    if (target.dialing || (target.peerId !== undefined && this.options.isConnected(target.peerId))) return;
    clearTimeout(target.timer);
    void this.dial(key, target);
  }

  private async dial(key: string, target: Target): Promise<void> {
    target.timer = undefined;
    if (target.dialing || this.controller.signal.aborted) return;
    if (target.peerId !== undefined && this.options.isConnected(target.peerId)) {
      succeeded(target);
      this.settle(target);
      return;
    }
    target.dialing = true;
    await this.attempt(key, target);
    target.dialing = false;
    this.settle(target);
  }

  private async attempt(key: string, target: Target): Promise<void> {
    try {
      target.peerId = await this.options.connect(addressesOf(target), this.controller.signal);
      succeeded(target);
    } catch (thrown) {
      if (this.targets.get(key) !== target || this.controller.signal.aborted) return;
      this.fail(key, target, ShoalError.from(thrown, 'NODE_UNREACHABLE'));
    }
  }

  private fail(key: string, target: Target, error: ShoalError): void {
    // An address of this very node, or no address at all, will not become another one.
    const isOwn = error.details.isSelf === true;
    if (target.attempts === 0) target.failingSince = performance.now();
    target.attempts += 1;
    target.error = error;
    if (isOwn) {
      this.drop(key, target);
      return;
    }
    const failing = failingOf(target);
    if (failing) this.options.failed(failing);
    if (error.code === 'ARGUMENT_INVALID') return;
    const patience = patienceOf(target);
    if (performance.now() - target.failingSince > patience) this.drop(key, target);
    else this.schedule(key, target);
  }

  private schedule(key: string, target: Target): void {
    // Spread, so that nodes that lost each other do not meet in lockstep.
    const delay = target.retryMilliseconds * (0.75 + Math.random() / 2);
    const isOld = target.attempts > 0 && performance.now() - target.failingSince > eagerForMilliseconds;
    const longest = target.hasLeft || isOld ? gentleRetryMilliseconds : longestRetryMilliseconds;
    target.retryMilliseconds = Math.min(target.retryMilliseconds * 2, longest);
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

function succeeded(target: Target): void {
  target.retryMilliseconds = firstRetryMilliseconds;
  target.attempts = 0;
  target.error = undefined;
  target.hasLeft = false;
}

function addressesOf({ sources }: Target): string[] {
  return [...new Set([...sources.values()].flatMap(({ addresses }) => addresses))];
}

function failingOf(target: Target): Failing | undefined {
  const { error, peerId, attempts, sources, hasLeft } = target;
  if (!error || hasLeft) return undefined;
  return {
    peerId,
    addresses: addressesOf(target),
    seenBy: [...sources.keys()],
    origin: originOf(target),
    attempts,
    error,
  };
}

function originOf({ sources }: Target): SightingOrigin {
  const origins = new Set([...sources.values()].map(({ origin }) => origin));
  if (origins.has('configured')) return 'configured';
  return origins.has('discovered') ? 'discovered' : 'hearsay';
}

function patienceOf(target: Target): number {
  const origin = originOf(target);
  if (origin === 'configured' || target.isBare) return Number.POSITIVE_INFINITY;
  return origin === 'discovered' ? discoveredPatienceMilliseconds : hearsayPatienceMilliseconds;
}

function targetKey(peerId: string | undefined, addresses: readonly string[]): string {
  return peerId ?? addresses.join(' ');
}
