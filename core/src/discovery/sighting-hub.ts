/** What most ways of finding peers do with what they hear: tell news, pass over repetitions, forget who fell silent. */
import { AsyncQueue } from '../control/async-queue.js';
import type { Loss, Sighting } from '../spec/discovery.js';

export interface SightingHubOptions {
  /** Name of the discovery plugin. */
  readonly seenBy: string;
  /** A peer that is not heard of for so long is lost at the next `expire`; absent: peers stay until `lose`. */
  readonly lifetimeMilliseconds?: number;
  /** Anybody can claim to be many nodes; further ones are passed over. Default 1024. */
  readonly maximumPeers?: number;
  /** A clock that only goes forward, in milliseconds. */
  readonly now?: () => number;
}

export interface HeardPeer {
  /** Where the method knows it. */
  readonly peerId?: string;
  /** What the method knows a peer by, where that is not its id. */
  readonly key?: string;
  /** Best first; a peer without any is passed over: nobody could reach it. */
  readonly addresses: readonly string[];
  readonly clusterTag?: string;
}

interface Known {
  readonly sighting: Sighting;
  expires: number;
}

const defaultMaximumPeers = 1024;

export class SightingHub {
  readonly #options: SightingHubOptions;
  readonly #known = new Map<string, Known>();
  readonly #watchers = new Set<AsyncQueue<Sighting | Loss>>();
  readonly #now: () => number;

  constructor(options: SightingHubOptions) {
    this.#options = options;
    this.#now = options.now ?? (() => performance.now());
  }

  /** Peers that are seen at this moment. */
  get size(): number {
    return this.#known.size;
  }

  has(key: string): boolean {
    return this.#known.has(key);
  }

  /** True when this is news: a new peer, or other addresses of a known one. */
  see({ peerId, key = peerId, addresses, clusterTag }: HeardPeer): boolean {
    const {
      seenBy,
      lifetimeMilliseconds = Number.POSITIVE_INFINITY,
      maximumPeers = defaultMaximumPeers,
    } = this.#options;
    if (key === undefined || addresses.length === 0) return false;
    const known = this.#known.get(key);
    if (!known && this.#known.size >= maximumPeers) return false;
    const expires = this.#now() + lifetimeMilliseconds;
    if (known && isSame(known.sighting, peerId, addresses, clusterTag)) {
      known.expires = expires;
      return false;
    }
    const sighting: Sighting = {
      kind: 'seen',
      addresses: [...addresses],
      seenBy,
      ...(peerId === undefined ? {} : { peerId }),
      ...(clusterTag === undefined ? {} : { clusterTag }),
    };
    this.#known.set(key, { sighting, expires });
    this.#tell(sighting);
    return true;
  }

  /** The peer said that it goes, or what it announced was taken back. True when it was known. */
  lose(key: string): boolean {
    const known = this.#known.get(key);
    if (!known) return false;
    this.#known.delete(key);
    const { peerId, addresses, seenBy } = known.sighting;
    this.#tell({ kind: 'lost', addresses, seenBy, ...(peerId === undefined ? {} : { peerId }) });
    return true;
  }

  /** Loses everybody but these: for methods that know all who are there. */
  retain(keys: ReadonlySet<string>): void {
    for (const key of this.#known.keys()) if (!keys.has(key)) this.lose(key);
  }

  /** Loses those who were silent for too long. True when there was one. */
  expire(): boolean {
    const now = this.#now();
    const silent = [...this.#known].filter(([, { expires }]) => expires < now);
    for (const [key] of silent) this.lose(key);
    return silent.length > 0;
  }

  /** `Discovery.watch`: who is known, then news, until the signal aborts. */
  async *watch(signal: AbortSignal): AsyncGenerator<Sighting | Loss> {
    const queue = new AsyncQueue<Sighting | Loss>();
    const end = () => queue.complete();
    signal.addEventListener('abort', end, { once: true });
    if (signal.aborted) end();
    for (const { sighting } of this.#known.values()) queue.push(sighting);
    this.#watchers.add(queue);
    try {
      for await (const event of queue) {
        if (signal.aborted) return;
        yield event;
      }
    } finally {
      this.#watchers.delete(queue);
      signal.removeEventListener('abort', end);
    }
  }

  #tell(event: Sighting | Loss): void {
    for (const queue of this.#watchers) queue.push(event);
  }
}

function isSame(
  known: Sighting,
  peerId: string | undefined,
  addresses: readonly string[],
  clusterTag: string | undefined,
): boolean {
  const hasSameAddresses =
    known.addresses.length === addresses.length &&
    known.addresses.every((address, index) => address === addresses[index]);
  return hasSameAddresses && known.peerId === peerId && known.clusterTag === clusterTag;
}
