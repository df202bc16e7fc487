import { createHash } from 'node:crypto';
import {
  type Announcement,
  type Discovery,
  type DiscoveryAvailability,
  type HeardPeer,
  type HostService,
  isLoopbackAddress,
  type Loss,
  type PluginContext,
  peerIdOf,
  type Sighting,
  SightingHub,
} from '@shoal/core';
import type { CID } from 'multiformats/cid';
import { MemberRecords } from './member-records.js';
import type { DhtOptions } from './options.js';
import { Pace } from './pace.js';
import { rest, withDeadline } from './waiting.js';

/** A record lives for as many announcements; one may get lost. */
const announcementsPerLife = 2.5;
const fastestLookupMilliseconds = 250;
/** New neighbours get this node's record soon, but a crowd that arrives at once is told together. */
const soonestAnnouncementMilliseconds = 5000;
/** In a large cluster there is always news: look-ups are no more than this often, for each peer that is known. */
const millisecondsPerPeer = 50;
/** Waits vary; an announcement is due when a wait has ended that was meant to be the interval. */
const shareOfInterval = 0.75;
/** Peers that are gone but still in a table take their time to be found out. */
const queryDeadlineMilliseconds = 30_000;

/** How this node is announced, and how many members heard it at first. */
interface Announcing {
  readonly announce: () => Promise<number | undefined>;
  readonly told: number;
}

/**
 * Members keep each other's addresses in a Kademlia table, spoken over the node's own connections: only who holds the
 * cluster's key takes part, no port is opened, and one reachable member is enough to find all. The addresses of
 * `bootstrap` are seen like any peer's, so that the control plane connects to them and keeps trying.
 */
export class DhtDiscovery implements Discovery {
  readonly #options: DhtOptions;
  readonly #log: PluginContext['log'];
  readonly #hub: SightingHub;
  #records: MemberRecords | undefined;

  constructor(options: DhtOptions, log: PluginContext['log']) {
    this.#options = options;
    this.#log = log;
    this.#hub = new SightingHub({ seenBy: 'dht', lifetimeMilliseconds: this.#lifetimeMilliseconds });
  }

  get #lifetimeMilliseconds(): number {
    return announcementsPerLife * this.#options.announceSeconds * 1000;
  }

  async hostService(): Promise<HostService> {
    const records = await MemberRecords.load({ validMilliseconds: this.#lifetimeMilliseconds });
    return (components) => {
      this.#records = records(components);
      return this.#records.service;
    };
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Sighting | Loss> {
    for (const address of new Set(this.#options.bootstrap)) {
      if (signal.aborted) return;
      const peerId = peerIdOf(address);
      yield { kind: 'seen', addresses: [address], seenBy: 'dht', ...(peerId === undefined ? {} : { peerId }) };
    }
    yield* this.#hub.watch(signal);
  }

  async announce({ addresses, clusterTag }: Announcement, signal: AbortSignal): Promise<void> {
    const records = this.#records;
    if (!records || signal.aborted) return;
    const key = await recordKey(clusterTag);
    // A node that only connects to others cannot be reached, but it asks.
    const isReachable = addresses.length > 0;
    const announce = () => this.#try('announce', (deadline) => records.announce(key, deadline), signal);
    const told = isReachable ? await announce() : undefined;
    if (isReachable) {
      signal.addEventListener('abort', () => void records.withdraw(key).catch(() => undefined), { once: true });
    }
    // What listens on loopback only is of one machine: of others' loopback nothing is known here.
    const isOfOneMachine = addresses.every(isLoopbackAddress);
    const believe = (peer: HeardPeer) =>
      isOfOneMachine ? peer : { ...peer, addresses: peer.addresses.filter((address) => !isLoopbackAddress(address)) };
    const find = async (deadline: AbortSignal) => (await records.find(key, deadline)).map(believe);
    const announcing = isReachable ? { announce, told: told ?? 0 } : undefined;
    void this.#lookUpRepeatedly(records, find, announcing, signal);
  }

  async availability(): Promise<DiscoveryAvailability> {
    const detail = 'members are found through members: one address is needed, of --peer, bootstrap or another plugin';
    return { available: true, detail };
  }

  async #lookUpRepeatedly(
    records: MemberRecords,
    find: (deadline: AbortSignal) => Promise<readonly HeardPeer[]>,
    announcing: Announcing | undefined,
    signal: AbortSignal,
  ): Promise<void> {
    const idleMilliseconds = this.#options.announceSeconds * 1000;
    const pace = new Pace({
      fastestMilliseconds: Math.min(fastestLookupMilliseconds, idleMilliseconds),
      idleMilliseconds,
    });
    let announcedAt = performance.now();
    let isKnown = announcing !== undefined && announcing.told > 0;
    let hasNewNeighbour = false;
    let news = new AbortController();
    records.onNeighbour(() => {
      hasNewNeighbour = true;
      pace.quicken();
      news.abort();
    }, signal);
    const leave = () => news.abort();
    signal.addEventListener('abort', leave, { once: true });
    while (!signal.aborted) {
      const least = this.#hub.size * millisecondsPerPeer;
      await rest(pace.next(least), news.signal);
      // Neighbours come in crowds, and need a moment until they are asked.
      if (news.signal.aborted) await rest(pace.next(least), signal);
      if (signal.aborted) return;
      news = new AbortController();
      const soonest = Math.min(Math.max(soonestAnnouncementMilliseconds, 2 * least), idleMilliseconds);
      // What nobody was told, because nobody was there or answered, is told as soon as somebody is.
      const due = !isKnown ? 0 : hasNewNeighbour ? soonest : idleMilliseconds;
      if (announcing && performance.now() - announcedAt >= due * shareOfInterval) {
        announcedAt = performance.now();
        hasNewNeighbour = false;
        isKnown = ((await announcing.announce()) ?? 0) > 0;
      }
      await this.#try(
        'look up',
        async (deadline) => {
          for (const peer of await find(deadline)) if (this.#hub.see(peer)) pace.quicken();
        },
        signal,
      );
      if (this.#hub.expire() || records.isCutOff) pace.quicken();
    }
  }

  /** What fails now is tried again later. */
  async #try<Result>(
    what: string,
    work: (deadline: AbortSignal) => Promise<Result>,
    signal: AbortSignal,
  ): Promise<Result | undefined> {
    try {
      return await withDeadline(queryDeadlineMilliseconds, signal, work);
    } catch (thrown) {
      if (!signal.aborted) this.#log('debug', `the dht could not ${what}: ${String(thrown)}`);
      return undefined;
    }
  }
}

/** Where the members of a cluster are announced. */
async function recordKey(clusterTag: string): Promise<CID> {
  const [{ CID }, { create }] = await Promise.all([import('multiformats/cid'), import('multiformats/hashes/digest')]);
  const [raw, sha256] = [0x55, 0x12];
  const hash = createHash('sha256').update(`shoal members of ${clusterTag}`).digest();
  return CID.createV1(raw, create(sha256, new Uint8Array(hash)));
}
