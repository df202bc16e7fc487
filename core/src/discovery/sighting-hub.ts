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
  readonly peerId: string;
  /** Best first; a peer without any is passed over: nobody could reach it. */
  readonly addresses: readonly string[];
  readonly clusterTag?: string;
}

interface Known {
  readonly sighting: Sighting & { readonly peerId: string };
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

  /** True when this is news: a new peer, or other addresses of a known one. */
  see({ peerId, addresses, clusterTag }: HeardPeer): boolean {
    const {
      seenBy,
      lifetimeMilliseconds = Number.POSITIVE_INFINITY,
      maximumPeers = defaultMaximumPeers,
    } = this.#options;
    const known = this.#known.get(peerId);
    if (addresses.length === 0 || (!known && this.#known.size >= maximumPeers)) return false;
    const expires = this.#now() + lifetimeMilliseconds;
    if (known && isSame(known.sighting.addresses, addresses) && known.sighting.clusterTag === clusterTag) {
      known.expires = expires;
      return false;
    }
    const tag = clusterTag === undefined ? {} : { clusterTag };
    const sighting = { kind: 'seen', peerId, addresses: [...addresses], seenBy, ...tag } as const;
    this.#known.set(peerId, { sighting, expires });
    this.#tell(sighting);
    return true;
  }

  /** The peer said that it goes, or what it announced was taken back. True when it was known. */
  lose(peerId: string): boolean {
    const known = this.#known.get(peerId);
    if (!known) return false;
    this.#known.delete(peerId);
    this.#tell({ kind: 'lost', peerId, addresses: known.sighting.addresses, seenBy: this.#options.seenBy });
    return true;
  }

  /** Loses those who were silent for too long. True when there was one. */
  expire(): boolean {
    const now = this.#now();
    const silent = [...this.#known].filter(([, { expires }]) => expires < now);
    for (const [peerId] of silent) this.lose(peerId);
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

function isSame(left: readonly string[], right: readonly string[]): boolean {
  return left.length === right.length && left.every((address, index) => address === right[index]);
}
