import { once } from 'node:events';
import { type Discovery, peerIdOf, type Sighting } from '@shoal/core';

/** Sees each peer of a list once, at the start, and never loses one: whether a peer answers is not for discovery. */
export class StaticDiscovery implements Discovery {
  readonly #sightings: readonly Sighting[];

  constructor(peers: readonly string[]) {
    this.#sightings = [...new Set(peers)].map((address) => {
      const peerId = peerIdOf(address);
      return { kind: 'seen', addresses: [address], seenBy: 'static', ...(peerId === undefined ? {} : { peerId }) };
    });
  }

  async *watch(signal: AbortSignal): AsyncGenerator<Sighting> {
    for (const sighting of this.#sightings) {
      if (signal.aborted) return;
      yield sighting;
    }
    if (!signal.aborted) await once(signal, 'abort');
  }

  /** A list cannot be written to: others find this node by having it in theirs. */
  async announce(): Promise<void> {}
}
