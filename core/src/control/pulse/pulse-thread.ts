/**
 * Entry of the pulse thread. It says that this node lives while the node's event loop is blocked, and hears whether
 * others do; what follows from that, the node decides.
 */
import { parentPort, workerData } from 'node:worker_threads';
import { channelNameOf, encodePulse, openPulse } from './pulse-packet.js';
import type { PulseNews, PulseOrder, PulseThreadOptions } from './pulse-protocol.js';
import { type PulseRoute, PulseSockets } from './pulse-sockets.js';
import { type PulseState, PulseTrack, pulseTimes } from './pulse-track.js';

type Watch = Extract<PulseOrder, { kind: 'watch' }>;

interface Watched {
  readonly order: Watch;
  readonly track: PulseTrack;
  /** Of the last pulse that was sent to it. */
  sequence: number;
  /** Where it was heard from last, else where it should be. */
  route: PulseRoute | undefined;
  reported: { readonly state: PulseState; readonly isLoopStalled: boolean };
  /** Set while it is lost: until when it is waited for, and when it is next called. */
  lost: { readonly until: number; nextAt: number } | undefined;
}

/** A timer that is so late shows that this thread did not run. */
const ownStallMilliseconds = 100;

class PulseThread {
  private readonly peers = new Map<string, Watched>();
  /** By the name of the channel that they send on. */
  private readonly senders = new Map<string, Watched>();
  private readonly sockets = new PulseSockets((bytes, route) => this.receive(bytes, route));
  private readonly beat: Int32Array;
  private lastBeat = 0;
  private lastBeatAt = performance.now();
  private nextRegularAt = 0;
  private timer: NodeJS.Timeout | undefined;

  constructor(
    private readonly options: PulseThreadOptions,
    private readonly say: (news: PulseNews) => void,
  ) {
    this.beat = new Int32Array(options.beat);
  }

  async start(): Promise<void> {
    const { port, problems } = await this.sockets.listen(this.options.listen);
    this.say({ kind: 'ready', problems, ...(port === undefined ? {} : { port }) });
  }

  take(order: PulseOrder): void {
    switch (order.kind) {
      case 'watch':
        void this.watch(order);
        break;
      case 'await-return': {
        const peer = this.peers.get(order.nodeId);
        const now = performance.now();
        if (peer) peer.lost = { until: now + pulseTimes.lostPatienceMilliseconds, nextAt: now };
        break;
      }
      case 'forget':
        this.forget(order.nodeId);
    }
  }

  private async watch(order: Watch): Promise<void> {
    const known = this.peers.get(order.nodeId);
    if (known?.order.incoming.name === order.incoming.name) {
      // The same run of the same node: its sequence goes on.
      known.lost = undefined;
      known.reported = { state: 'unproven', isLoopStalled: false };
      if (known.track.state !== 'heard') known.track.state = 'unproven';
      this.report(known, performance.now());
      return;
    }
    this.forget(order.nodeId);
    const reported = { state: 'unproven', isLoopStalled: false } as const;
    const track = new PulseTrack();
    const peer: Watched = { order, track, sequence: 0, route: undefined, reported, lost: undefined };
    this.peers.set(order.nodeId, peer);
    this.senders.set(order.incoming.name, peer);
    const route = order.address && (await this.sockets.routeTo(order.address).catch(() => undefined));
    peer.route ??= route;
    if (route && this.peers.get(order.nodeId) !== peer) this.sockets.release(route);
    this.send(peer, true);
    this.schedule(performance.now());
  }

  private forget(nodeId: string): void {
    const peer = this.peers.get(nodeId);
    if (!peer) return;
    this.peers.delete(nodeId);
    this.senders.delete(peer.order.incoming.name);
    if (peer.route) this.sockets.release(peer.route);
  }

  private receive(bytes: Buffer, route: PulseRoute): void {
    const peer = this.senders.get(channelNameOf(bytes) ?? '');
    const pulse = peer && openPulse(peer.order.incoming, bytes);
    const now = performance.now();
    if (!pulse || !peer.track.heard(pulse, now)) return;
    // Answers go where it speaks from: behind a router that is not where it listens, and it may move.
    peer.route = route;
    if (pulse.wantsAnswer) this.send(peer, false);
    this.report(peer, now);
  }

  private schedule(now: number): void {
    if (this.peers.size === 0) return;
    if (this.timer === undefined) this.nextRegularAt = Math.max(this.nextRegularAt, now);
    let at = this.nextRegularAt;
    for (const { track, lost } of this.peers.values()) {
      if (!lost) at = Math.min(at, track.nextLookAt(now) ?? at);
    }
    const due = Math.max(at, now);
    clearTimeout(this.timer);
    // Datagrams that arrived while this thread did not run are read before anything is made of their absence.
    this.timer = setTimeout(() => setImmediate(() => this.turn(due)), due - now);
  }

  private turn(expectedAt: number): void {
    clearTimeout(this.timer);
    this.timer = undefined;
    const now = performance.now();
    const late = now - expectedAt;
    const beat = Atomics.load(this.beat, 0);
    if (beat !== this.lastBeat) {
      this.lastBeat = beat;
      this.lastBeatAt = now;
    } else if (late > ownStallMilliseconds) {
      // While this thread did not run it could not see the loop turn.
      this.lastBeatAt += late;
    }
    const isRegular = now >= this.nextRegularAt;
    if (isRegular) this.nextRegularAt = now + pulseTimes.intervalMilliseconds;
    for (const peer of this.peers.values()) {
      if (peer.lost) {
        if (isRegular) this.call(peer, peer.lost, now);
        continue;
      }
      if (late > ownStallMilliseconds) peer.track.forgive(late);
      peer.track.look(now);
      const { state } = peer.track;
      if (isRegular || state === 'suspected') this.send(peer, state === 'suspected');
      this.report(peer, now);
    }
    this.schedule(now);
  }

  /** Calls a lost peer now and then, for as long as there is hope. */
  private call(peer: Watched, lost: NonNullable<Watched['lost']>, now: number): void {
    if (now > lost.until) this.forget(peer.order.nodeId);
    else if (now >= lost.nextAt) {
      lost.nextAt = now + pulseTimes.lostIntervalMilliseconds;
      this.send(peer, true);
    }
  }

  private send(peer: Watched, wantsAnswer: boolean): void {
    if (!peer.route) return;
    const now = performance.now();
    // Larger than all before, whatever was forgotten meanwhile.
    peer.sequence = Math.max(peer.sequence + 1, Math.round(now * 1000));
    const { sequence } = peer;
    const silence = now - this.lastBeatAt;
    const loopSilenceMilliseconds = silence > this.options.beatIntervalMilliseconds * 2 ? silence : 0;
    this.sockets.send(encodePulse(peer.order.outgoing, { sequence, loopSilenceMilliseconds, wantsAnswer }), peer.route);
  }

  private report(peer: Watched, now: number): void {
    const { nodeId } = peer.order;
    const { state, isLoopStalled } = peer.track;
    if (peer.lost) {
      if (state !== 'heard') return;
      peer.lost = { ...peer.lost, nextAt: now + pulseTimes.lostIntervalMilliseconds };
      peer.track.state = 'silent';
      this.say({ kind: 'returned', nodeId });
      return;
    }
    if (peer.reported.state === state && peer.reported.isLoopStalled === isLoopStalled) return;
    peer.reported = { state, isLoopStalled };
    this.say({
      kind: 'changed',
      nodeId,
      state,
      isLoopStalled,
      silenceMilliseconds: peer.track.silenceMilliseconds(now),
    });
  }
}

const thread = new PulseThread(workerData as PulseThreadOptions, (news) => parentPort?.postMessage(news));
parentPort?.on('message', (order: PulseOrder) => thread.take(order));
void thread.start();
