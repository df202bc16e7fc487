/**
 * Where the dashboard's figures come from: a cluster that it is attached to, asked again and again, its events, and the
 * connection itself, which is made anew when it is lost.
 */
import { setTimeout as sleep } from 'node:timers/promises';
import type { ClusterEvent, LogRecord } from '@shoal/core';
import { ShoalError } from '@shoal/core/client';
import type { Cluster } from 'shoal';
import { listModels } from 'shoal/client';
import type { Update } from '../state/update.js';

type Fields<Kind extends Update['kind']> = Omit<Extract<Update, { kind: Kind }>, 'at'>;
/** An update without its moment. */
export type News = { [Kind in Update['kind']]: Fields<Kind> }[Update['kind']];

export interface SourceOptions {
  readonly connect: (signal: AbortSignal) => Promise<Cluster>;
  /** Without a peer that is connected, the connection is lost. */
  readonly needsPeers: boolean;
  readonly emit: (update: Update) => void;
  readonly intervalMilliseconds: number;
}

const connectMilliseconds = 15_000;
/** A node that does not answer for so long is taken for lost, as far as this program is concerned. */
const answerMilliseconds = 5000;
/** Describing every machine, and all links, is asked for less often than the rest. */
const slowLookMilliseconds = 5000;
const modelsMilliseconds = 30_000;
const firstRetryMilliseconds = 250;
const longestRetryMilliseconds = 3000;
/** Events come by the thousand; they are told together. */
const eventsMilliseconds = 100;
/** More than that at once are not kept. */
const mostEvents = 20_000;
/** What an event says is looked at a moment later, with whatever else has changed by then. */
const afterEventMilliseconds = 60;

export class ClusterSource {
  interval: number;
  private readonly lifetime = new AbortController();
  private current: Cluster | undefined;
  private wake: (() => void) | undefined;
  /** Called when the next look is over. */
  private waiting: (() => void)[] = [];
  private over: Promise<void> | undefined;

  constructor(private readonly options: SourceOptions) {
    this.interval = options.intervalMilliseconds;
  }

  /** Undefined while there is no connection. */
  get cluster(): Cluster | undefined {
    return this.current;
  }

  start(): void {
    this.over ??= this.run();
  }

  /** Looks at once; resolves when that is done, or there is no connection. */
  look(): Promise<void> {
    if (this.current === undefined) return Promise.resolve();
    return new Promise((resolve) => {
      this.waiting.push(resolve);
      this.wake?.();
    });
  }

  async stop(): Promise<void> {
    this.lifetime.abort(new ShoalError('ABORTED', 'the dashboard is closed'));
    this.wake?.();
    await this.over;
  }

  tell(news: News): void {
    this.options.emit({ ...news, at: Date.now() } as Update);
  }

  private async run(): Promise<void> {
    const { signal } = this.lifetime;
    let attempt = 1;
    let lostAt: number | undefined;
    let reason = '';
    while (!signal.aborted) {
      const since = lostAt ?? Date.now();
      this.tell({
        kind: 'connection',
        connection:
          lostAt === undefined ? { phase: 'connecting', since, attempt } : { phase: 'lost', since, attempt, reason },
      });
      try {
        const cluster = await limited(signal, connectMilliseconds, (within) => this.connect(within));
        attempt = 1;
        await this.follow(cluster);
      } catch (thrown) {
        reason = ShoalError.from(thrown).message;
      }
      if (signal.aborted) return;
      lostAt = attempt === 1 ? Date.now() : since;
      const pause = Math.min(longestRetryMilliseconds, firstRetryMilliseconds * 2 ** Math.min(attempt - 1, 10));
      attempt += 1;
      this.tell({ kind: 'connection', connection: { phase: 'lost', since: lostAt, attempt, reason } });
      await sleep(pause, undefined, { signal }).catch(() => undefined);
    }
  }

  private async connect(signal: AbortSignal): Promise<Cluster> {
    const cluster = await this.options.connect(signal);
    if (!signal.aborted) return cluster;
    // It came too late.
    await cluster.close().catch(() => undefined);
    throw ShoalError.from(signal.reason);
  }

  /** Rejects with what ended the connection. */
  private async follow(cluster: Cluster): Promise<void> {
    const ended = new AbortController();
    const signal = AbortSignal.any([this.lifetime.signal, ended.signal]);
    try {
      this.current = cluster;
      this.tell({
        kind: 'connection',
        connection: { phase: 'attached', since: Date.now() },
        selfNodeId: cluster.nodeId,
      });
      await Promise.race([
        this.followEvents(cluster, signal),
        this.lookAgainAndAgain(cluster, signal),
        // Neither of these is the connection: whatever becomes of them, the figures go on.
        this.followLog(cluster, signal).then(() => forever(signal)),
        this.every(slowLookMilliseconds, signal, () => this.lookSlowly(cluster, signal)),
        this.every(modelsMilliseconds, signal, async () => {
          this.tell({ kind: 'models', models: await listModels({ home: cluster.home }) });
        }),
      ]);
      signal.throwIfAborted();
    } finally {
      ended.abort(new ShoalError('ABORTED', 'the connection has ended'));
      this.current = undefined;
      for (const resolve of this.waiting.splice(0)) resolve();
      // A node that hangs must not keep the next attempt waiting.
      await Promise.race([cluster.close().catch(() => undefined), sleep(500, undefined, { ref: false })]);
    }
  }

  private async lookAgainAndAgain(cluster: Cluster, signal: AbortSignal): Promise<void> {
    while (!signal.aborted) {
      const started = performance.now();
      const waiting = this.waiting.splice(0);
      try {
        await limited(signal, answerMilliseconds, (within) => this.lookOnce(cluster, within));
      } finally {
        for (const resolve of waiting) resolve();
      }
      // Whoever asked during this look is told by the next one.
      if (this.waiting.length > 0) continue;
      await this.pause(Math.max(0, this.interval - (performance.now() - started)), signal);
    }
  }

  private async lookOnce(cluster: Cluster, signal: AbortSignal): Promise<void> {
    const { nodeService } = cluster;
    const asked = [nodeService.nodes(signal), nodeService.instances(signal), nodeService.state(signal)] as const;
    const [nodes, instances, state] = await Promise.all(asked);
    if (this.options.needsPeers && !nodes.some((node) => node.state === 'connected' || node.state === 'stalled')) {
      const why = nodes.find(({ message }) => message !== undefined)?.message ?? 'they have left';
      throw new ShoalError('NODE_UNREACHABLE', `no node of the cluster is reached any more: ${why}`);
    }
    this.tell({ kind: 'cluster', nodes, instances, state });
    const serving = instances.filter((one) => one.state === 'ready');
    await Promise.all(
      serving.map(async ({ instance }) => {
        // It may have ended meanwhile; then the next look says so.
        const members = await nodeService.statistics(instance, signal).catch(() => undefined);
        if (members) this.tell({ kind: 'statistics', instance, members });
      }),
    );
  }

  private async lookSlowly(cluster: Cluster, signal: AbortSignal): Promise<void> {
    await Promise.all([
      cluster.topology({ signal }).then((topology) => this.tell({ kind: 'topology', topology })),
      cluster.machines({ signal }).then((machines) => this.tell({ kind: 'machines', machines })),
    ]);
  }

  /** Ends with the connection. */
  private async followEvents(cluster: Cluster, signal: AbortSignal): Promise<void> {
    const told = this.batches<ClusterEvent>(signal, (events) => {
      this.tell({ kind: 'events', events });
      if (events.some(({ kind }) => kind !== 'load-progressed')) {
        setTimeout(() => void this.look(), afterEventMilliseconds).unref();
      }
    });
    for await (const event of cluster.nodeService.watch(signal)) told(event);
    signal.throwIfAborted();
    throw new ShoalError('NODE_UNREACHABLE', `the connection to ${cluster.nodeName} has ended`);
  }

  private async followLog(cluster: Cluster, signal: AbortSignal): Promise<void> {
    const { nodeName } = cluster;
    const told = this.batches<LogRecord>(signal, (records) => this.tell({ kind: 'logs', nodeName, records }));
    try {
      for await (const record of cluster.logs({ follow: true, level: 'warn', signal })) told(record);
    } catch (thrown) {
      if (signal.aborted) return;
      const { code, message } = ShoalError.from(thrown);
      told({
        time: Date.now(),
        level: 'warn',
        area: 'dashboard',
        message: `the log cannot be followed: ${message}`,
        fields: { code },
      });
    }
  }

  /** Collects what comes and hands it on together, a few times a second. */
  private batches<One>(signal: AbortSignal, hand: (all: readonly One[]) => void): (one: One) => void {
    let waiting: One[] = [];
    let isWaiting = false;
    return (one) => {
      waiting.push(one);
      if (waiting.length > mostEvents) waiting = waiting.slice(-mostEvents / 2);
      if (isWaiting) return;
      isWaiting = true;
      setTimeout(() => {
        const all = waiting;
        waiting = [];
        isWaiting = false;
        if (!signal.aborted) hand(all);
      }, eventsMilliseconds);
    };
  }

  /** Until the signal aborts; a look that fails is tried again with the next one. */
  private async every(milliseconds: number, signal: AbortSignal, look: () => Promise<void>): Promise<void> {
    while (!signal.aborted) {
      await look().catch(() => undefined);
      await sleep(milliseconds, undefined, { signal }).catch(() => undefined);
    }
  }

  private pause(milliseconds: number, signal: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const end = () => {
        clearTimeout(timer);
        signal.removeEventListener('abort', end);
        this.wake = undefined;
        resolve();
      };
      const timer = setTimeout(end, milliseconds);
      signal.addEventListener('abort', end, { once: true });
      this.wake = end;
    });
  }
}

/** Rejects with TIMEOUT when it takes too long, even where what is done does not hear its signal. */
async function limited<Value>(
  signal: AbortSignal,
  milliseconds: number,
  work: (signal: AbortSignal) => Promise<Value>,
): Promise<Value> {
  signal.throwIfAborted();
  const limit = new AbortController();
  const stop = () => limit.abort(signal.reason);
  signal.addEventListener('abort', stop, { once: true });
  const late = () => limit.abort(new ShoalError('TIMEOUT', `the node does not answer within ${milliseconds / 1000} s`));
  const timer = setTimeout(late, milliseconds);
  const ended = new Promise<never>((_, reject) => {
    limit.signal.addEventListener('abort', () => reject(limit.signal.reason), { once: true });
  });
  ended.catch(() => undefined);
  const working = work(limit.signal);
  working.catch(() => undefined);
  try {
    return await Promise.race([working, ended]);
  } finally {
    clearTimeout(timer);
    signal.removeEventListener('abort', stop);
  }
}

function forever(signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    if (signal.aborted) resolve();
    signal.addEventListener('abort', () => resolve(), { once: true });
  });
}
