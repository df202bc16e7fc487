/**
 * Measures the links from this node to its peers. When nothing happens it sends a few hundred bytes a minute to each;
 * before a placement it measures everything anew, bandwidth too, within a deadline.
 */
import { ShoalError } from '../spec/errors.js';
import type { Link } from '../spec/link.js';
import type { Interfaces } from './interfaces.js';
import { bandwidthOf, endOf, endpointOf, isMeasured, keptBandwidth, listening, slower } from './link-parts.js';
import { type AddressPair, kindOfLink, type LinkPath, pathsTo } from './link-paths.js';
import { type FailedLink, type LinkOffer, type LinkReport, maximumInterfaces } from './link-report.js';
import type { NetworkInterface } from './network-interface.js';
import type { probe as probeNow } from './probe.js';
import type { ProbeResponder } from './probe-responder.js';

export interface LinkPeer {
  readonly nodeId: string;
  /** Asks it. */
  offer(signal: AbortSignal): Promise<LinkOffer>;
}

export interface LinkMonitorOptions {
  readonly self: Pick<LinkOffer, 'nodeId' | 'nodeName' | 'machineId'>;
  readonly key: Uint8Array;
  readonly interfaces: Interfaces;
  readonly responder: ProbeResponder;
  readonly probe: typeof probeNow;
  /** Addresses at which this node answers probes, of those that its interfaces have. */
  readonly probeAddresses: (interfaces: readonly NetworkInterface[]) => readonly string[];
  readonly peers: () => readonly LinkPeer[];
  /** Whether a model is loaded here: then known bandwidths are left as they are, for bursts would be in its way. */
  readonly isServing?: () => boolean;
  /** Milliseconds since 1970. */
  readonly now?: () => number;
  /** In [0, 1). */
  readonly random?: () => number;
}

export interface RefreshOptions {
  readonly deadlineMilliseconds: number;
  /** Also bandwidth, where it is unknown or old. */
  readonly withBandwidth: boolean;
  readonly signal?: AbortSignal | undefined;
}

interface MeasuredPath {
  path: LinkPath;
  link?: Link;
  failure?: FailedLink;
  /** When it was measured by a burst. */
  bandwidthAt?: number;
  /** Waits longer after each failure. */
  failures: number;
  triedAt: number;
  /** The target that answered last, to be tried first. */
  answered?: string;
}

interface PeerLinks {
  offer: LinkOffer | undefined;
  offeredAt: number;
  readonly paths: Map<string, MeasuredPath>;
}

const idleIntervalMilliseconds = 30_000;
/** Of probes that this node makes while nothing happens: five nodes stay below 1 kB/s together. */
const idleBytesPerSecond = 190;
/** More of them see through a busy machine, and weigh more. */
const idleRoundTrips = 3;
const freshRoundTrips = 16;
/** Of one latency probe, both ways, with headers. */
const bytesPerProbe = 2300;
const idleProbeDeadlineMilliseconds = 3000;
/** Before a placement: a path that takes longer is none to build on, and others wait. */
const freshProbeDeadlineMilliseconds = 800;
/** Less time than this says nothing about a path. */
const fairMilliseconds = 300;
/** A path on which nothing answered is tried again after this, doubled with each failure. */
const retryMilliseconds = 60_000;
const maximumRetryMilliseconds = 15 * 60_000;
/** What a peer said of its interfaces. */
const offerLifetimeMilliseconds = 5 * 60_000;
/** Measurements that count as fresh. */
const freshLatencyMilliseconds = 10_000;
const freshBandwidthMilliseconds = 10 * 60_000;
/** Asked again, it may turn out to be more. */
const freshLowerBoundMilliseconds = 60_000;
const offerDeadlineMilliseconds = 3000;
/** Peers probed at the same time: more would measure this node's own event loop. */
const parallelProbes = 4;

export class LinkMonitor {
  private readonly known = new Map<string, PeerLinks>();
  private readonly lifetime = new AbortController();
  private readonly now: () => number;
  private readonly random: () => number;
  private own: readonly NetworkInterface[] = [];
  private timer: NodeJS.Timeout | undefined;
  /** Probes do not overlap: they would measure each other. */
  private running: Promise<void> = Promise.resolve();
  /** Ends the round that runs while nothing happens: a placement does not wait for it. */
  private idle = new AbortController();

  constructor(private readonly options: LinkMonitorOptions) {
    this.now = options.now ?? Date.now;
    this.random = options.random ?? Math.random;
  }

  /** Listens for probes and begins to look around. */
  async start(): Promise<void> {
    await this.readInterfaces();
    this.schedule(1000);
  }

  stop(): void {
    this.lifetime.abort(new ShoalError('CLUSTER_CLOSED', 'the node was closed'));
    clearTimeout(this.timer);
    this.options.responder.stop();
  }

  /** A peer is here: its links are measured soon. */
  joined(): void {
    this.schedule(1000);
  }

  left(nodeId: string): void {
    this.known.delete(nodeId);
  }

  /** Where this node is reached now, and what it knows of the ways to its peers. */
  async report(): Promise<LinkReport> {
    await this.readInterfaces();
    const paths = [...this.known].flatMap(([nodeId, peer]) =>
      [...peer.paths.values()].map((one) => ({ ...one, nodeId })),
    );
    return {
      offer: { ...this.options.self, interfaces: this.own, endpoints: this.options.responder.endpoints },
      links: paths.flatMap((one) => one.link ?? (one.failure ? [] : this.unmeasured(one))),
      failures: paths.flatMap(({ failure }) => failure ?? []),
    };
  }

  /**
   * Measures what is not fresh. Resolves at the deadline at the latest; what was not measured by then stays as it was.
   * Rejects when the signal aborts.
   */
  async refresh({ deadlineMilliseconds, withBandwidth, signal }: RefreshOptions): Promise<void> {
    const ended = new AbortController();
    const timer = setTimeout(() => ended.abort(), deadlineMilliseconds);
    const end = AbortSignal.any([ended.signal, this.lifetime.signal, ...(signal ? [signal] : [])]);
    const endsAt = performance.now() + deadlineMilliseconds;
    const passed = new Promise<void>((resolve) => {
      if (end.aborted) resolve();
      end.addEventListener('abort', () => resolve(), { once: true });
    });
    this.idle.abort();
    try {
      await Promise.race([this.round({ withBandwidth, isIdle: false, signal: end, endsAt }), passed]);
    } finally {
      clearTimeout(timer);
      ended.abort();
    }
    signal?.throwIfAborted();
  }

  private schedule(delayMilliseconds: number): void {
    if (this.lifetime.signal.aborted) return;
    clearTimeout(this.timer);
    // All nodes of a cluster start together; their probes shall not.
    this.timer = setTimeout(() => void this.idleRound(), delayMilliseconds * (0.8 + 0.4 * this.random()));
    this.timer.unref();
  }

  private async idleRound(): Promise<void> {
    this.idle = new AbortController();
    const signal = AbortSignal.any([this.lifetime.signal, this.idle.signal]);
    const endsAt = Number.POSITIVE_INFINITY;
    await this.round({ withBandwidth: false, isIdle: true, signal, endsAt }).catch(() => undefined);
    const pathCount = [...this.known.values()].reduce((count, { paths }) => count + paths.size, 0);
    this.schedule(Math.max(idleIntervalMilliseconds, (pathCount * bytesPerProbe * 1000) / idleBytesPerSecond));
  }

  private round(how: Round): Promise<void> {
    const before = this.running;
    const next = before.then(() => this.roundNow(how));
    this.running = next.catch(() => undefined);
    return next;
  }

  private async roundNow(how: Round): Promise<void> {
    if (how.signal.aborted) return;
    await this.readInterfaces();
    const peers = this.options.peers();
    const present = new Set(peers.map(({ nodeId }) => nodeId));
    for (const nodeId of this.known.keys()) if (!present.has(nodeId)) this.known.delete(nodeId);
    await Promise.all(peers.map((peer) => this.learn(peer, how)));
    // Latency of all before bandwidth of any: bursts would be in its way.
    const due = [...this.known].flatMap(([nodeId, { offer, paths }]) =>
      offer ? [...paths.values()].filter((one) => this.isDue(one, how)).map((one) => ({ nodeId, offer, one })) : [],
    );
    const isLoopback = ({ one }: { readonly one: MeasuredPath }) => one.path.to.kind === 'loopback';
    const latency = ({ offer, one }: { readonly offer: LinkOffer; readonly one: MeasuredPath }) =>
      this.measure(offer, one, false, how);
    await inParallel(due.filter(isLoopback), parallelProbes, latency);
    // Where the loopback interface leads to the peer, nothing else is needed.
    const isNeeded = ({ nodeId, one }: { readonly nodeId: string; readonly one: MeasuredPath }) =>
      !isLoopback({ one }) && this.known.get(nodeId)?.paths.get(keyOf(one.path)) === one;
    for (const { paths } of this.known.values()) keepLoopbackOnly(paths);
    await inParallel(due.filter(isNeeded), parallelProbes, latency);
    if (!how.withBandwidth) return;
    const unmeasured = [...this.known.values()].flatMap(({ offer, paths }) =>
      offer ? [...paths.values()].filter((one) => this.wantsBandwidth(one)).map((one) => ({ offer, one })) : [],
    );
    // The longest without one first, where the time does not suffice for all.
    const age = ({ one }: { readonly one: MeasuredPath }) => one.bandwidthAt ?? 0;
    unmeasured.sort((left, right) => age(left) - age(right));
    await inParallel(unmeasured, 1, ({ offer, one }) => this.measure(offer, one, true, how));
  }

  private isDue({ link, failures, triedAt }: MeasuredPath, { isIdle }: Round): boolean {
    const age = this.now() - triedAt;
    if (failures > 0) {
      const wait = Math.min(maximumRetryMilliseconds, retryMilliseconds * 2 ** (failures - 1));
      return age > (isIdle ? wait : Math.min(wait, failures * freshLatencyMilliseconds));
    }
    return !link || isIdle || age > freshLatencyMilliseconds;
  }

  private wantsBandwidth({ link, failure, bandwidthAt }: MeasuredPath): boolean {
    if (!link || failure) return false;
    if (isMeasured(link.bandwidthBytesPerSecond) && this.options.isServing?.()) return false;
    const lifetime = link.isBandwidthLowerBound ? freshLowerBoundMilliseconds : freshBandwidthMilliseconds;
    return bandwidthAt === undefined || this.now() - bandwidthAt > lifetime;
  }

  private async readInterfaces(): Promise<void> {
    const { interfaces, responder, probeAddresses } = this.options;
    this.own = (await interfaces.read()).slice(0, maximumInterfaces);
    if (this.lifetime.signal.aborted) return;
    await responder.listenOn(probeAddresses(this.own));
  }

  /** Asks a peer where it can be reached, and works out the paths there. */
  private async learn(peer: LinkPeer, { isIdle, signal }: Round): Promise<void> {
    const { nodeId } = peer;
    const known = this.known.get(nodeId) ?? { offer: undefined, offeredAt: 0, paths: new Map<string, MeasuredPath>() };
    this.known.set(nodeId, known);
    const isOld = this.now() - known.offeredAt > offerLifetimeMilliseconds;
    const hasFailures = [...known.paths.values()].some(({ failure }) => failure);
    if (!known.offer || isOld || hasFailures || !isIdle) {
      const deadline = AbortSignal.any([signal, AbortSignal.timeout(offerDeadlineMilliseconds)]);
      const offer = await peer.offer(deadline).catch(() => undefined);
      // A peer that does not answer now keeps what it said before.
      if (offer) {
        known.offer = offer;
        known.offeredAt = this.now();
      }
    }
    if (known.offer) this.plan(known, known.offer);
  }

  private plan(known: PeerLinks, offer: LinkOffer): void {
    const isSameMachine = offer.machineId === this.options.self.machineId;
    const current = new Map(pathsTo(this.own, listening(offer), { isSameMachine }).map((path) => [keyOf(path), path]));
    for (const key of known.paths.keys()) if (!current.has(key)) known.paths.delete(key);
    for (const [key, path] of current) {
      const measured = known.paths.get(key);
      if (measured) measured.path = path;
      else known.paths.set(key, { path, failures: 0, triedAt: 0 });
    }
  }

  private async measure(offer: LinkOffer, one: MeasuredPath, withBandwidth: boolean, how: Round): Promise<void> {
    const { path } = one;
    if (how.signal.aborted) return;
    const remaining = how.endsAt - performance.now();
    const longest = how.isIdle ? idleProbeDeadlineMilliseconds : freshProbeDeadlineMilliseconds;
    const deadlineMilliseconds = Math.max(1, withBandwidth ? remaining : Math.min(longest, remaining));
    const errors: ShoalError[] = [];
    const isFirst = ({ target }: AddressPair) => (target === one.answered ? 0 : 1);
    for (const { source, target } of [...path.candidates].sort((left, right) => isFirst(left) - isFirst(right))) {
      const endpoint = endpointOf(offer, target);
      if (!endpoint) continue;
      try {
        const result = await this.options.probe({
          key: this.options.key,
          nodeId: offer.nodeId,
          endpoint: { address: target, port: endpoint.port },
          ...(source === undefined ? {} : { sourceAddress: source }),
          // Before a burst it was measured a moment ago.
          roundTrips: how.isIdle || withBandwidth ? idleRoundTrips : freshRoundTrips,
          withBandwidth,
          deadlineMilliseconds,
          signal: how.signal,
        });
        this.succeeded(offer, one, target, result);
        return;
      } catch (thrown) {
        // The end of the time that there was says nothing about the path.
        if (how.signal.aborted || withBandwidth || deadlineMilliseconds < fairMilliseconds) return;
        errors.push(ShoalError.from(thrown));
      }
    }
    // A busy machine may be late once: silence counts when it is repeated, or long.
    const isLateOnce = !how.isIdle && one.failures === 0 && errors.some(({ code }) => code === 'TIMEOUT');
    if (isLateOnce) {
      one.failures = 1;
      one.triedAt = this.now();
      return;
    }
    const reason = errors.map(({ message }) => message).join('; ');
    this.failed(offer, one, reason || 'it listens on none of its addresses');
  }

  /** A path that was not tried yet, or that was late once: it may be there. */
  private unmeasured({ nodeId, path: { from, to, candidates } }: MeasuredPath & { readonly nodeId: string }): Link {
    return {
      from: endOf(this.options.self.nodeId, from, candidates[0]?.source),
      to: endOf(nodeId, to, candidates[0]?.target),
      kind: from ? kindOfLink(from.kind, to.kind) : 'unknown',
      latencyMicroseconds: { unknown: 'not measured yet' },
      bandwidthBytesPerSecond: slower(from, to),
    };
  }

  private succeeded(
    offer: LinkOffer,
    one: MeasuredPath,
    target: string,
    { sourceAddress, roundTripMicroseconds, bandwidth }: Awaited<ReturnType<typeof probeNow>>,
  ): void {
    const from =
      one.path.from ?? this.own.find(({ addresses }) => addresses.some((own) => own.address === sourceAddress));
    const now = this.now();
    one.failures = 0;
    one.triedAt = now;
    one.answered = target;
    delete one.failure;
    const isKnown = one.link && isMeasured(one.link.bandwidthBytesPerSecond);
    const before = isKnown ? one.link : undefined;
    if (bandwidth && 'bytesPerSecond' in bandwidth) one.bandwidthAt = now;
    // Bursts of others lengthen round trips: the smallest of what is fresh counts.
    const last = one.link?.latencyMicroseconds;
    const isFresh = now - (one.link?.measuredAt ?? 0) < freshLatencyMilliseconds;
    const latency = Math.min(
      roundTripMicroseconds / 2,
      last && 'value' in last && isFresh ? last.value : Number.POSITIVE_INFINITY,
    );
    one.link = {
      from: endOf(this.options.self.nodeId, from, sourceAddress),
      to: endOf(offer.nodeId, one.path.to, target),
      kind: from ? kindOfLink(from.kind, one.path.to.kind) : 'unknown',
      latencyMicroseconds: { value: latency, source: 'measured' },
      ...(bandwidth && 'bytesPerSecond' in bandwidth
        ? bandwidthOf(bandwidth, before)
        : before
          ? keptBandwidth(before)
          : { bandwidthBytesPerSecond: slower(from, one.path.to, bandwidth?.reason) }),
      measuredAt: now,
    };
  }

  private failed(offer: LinkOffer, one: MeasuredPath, reason: string): void {
    const { from, to, candidates } = one.path;
    const now = this.now();
    one.failures += 1;
    one.triedAt = now;
    delete one.link;
    delete one.bandwidthAt;
    one.failure = {
      from: endOf(this.options.self.nodeId, from, candidates[0]?.source),
      to: endOf(offer.nodeId, to, candidates[0]?.target),
      kind: from ? kindOfLink(from.kind, to.kind) : 'unknown',
      reason,
      triedAt: now,
    };
  }
}

interface Round {
  readonly withBandwidth: boolean;
  readonly isIdle: boolean;
  readonly signal: AbortSignal;
  /** By `performance.now()`. */
  readonly endsAt: number;
}

const keyOf = ({ from, to }: LinkPath): string => `${from?.name ?? ''}\0${to.name}`;

function keepLoopbackOnly(paths: Map<string, MeasuredPath>): void {
  const isLoopback = ({ path }: MeasuredPath) => path.to.kind === 'loopback';
  if (![...paths.values()].some((one) => isLoopback(one) && one.link)) return;
  for (const [key, one] of paths) if (!isLoopback(one)) paths.delete(key);
}

async function inParallel<Item>(
  items: readonly Item[],
  width: number,
  run: (item: Item) => Promise<void>,
): Promise<void> {
  const queue = [...items];
  const lane = async () => {
    for (let item = queue.shift(); item !== undefined; item = queue.shift()) await run(item);
  };
  await Promise.all(Array.from({ length: Math.min(width, items.length) }, lane));
}
