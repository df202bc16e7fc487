/** Records of who is a member, kept by the members: a Kademlia table inside of the cluster. */
import type { PeerId, PeerInfo } from '@libp2p/interface';
import type { KadDHT } from '@libp2p/kad-dht';
import { type HeardPeer, type HostComponents, withPeerId } from '@shoal/core';
import type { CID } from 'multiformats/cid';

/** Each keeper has all records, and the next look-up asks others: a few answers tell as much as all. */
const enoughAnswers = 4;

export const protocol = '/shoal/kad/1.0.0';

/** What the library's class has beside its interface: the records that other members gave this one to keep. */
interface KeptRecords {
  readonly providers?: { getProviders(key: CID): Promise<readonly PeerId[]> };
}

export interface RecordOptions {
  /** How long a record is kept that is not announced again. */
  readonly validMilliseconds: number;
}

export class MemberRecords {
  private constructor(
    readonly service: KadDHT,
    private readonly components: HostComponents,
  ) {}

  static async load({ validMilliseconds }: RecordOptions): Promise<(components: HostComponents) => MemberRecords> {
    const { kadDHT, passthroughMapper } = await import('@libp2p/kad-dht');
    const factory = kadDHT({
      protocol,
      // By default a node behind a private address only asks and is never asked, and private addresses are left out.
      clientMode: false,
      peerInfoMapper: passthroughMapper,
      // Without it a query of the first node would wait for a second one.
      allowQueryWithZeroPeers: true,
      // The defaults are for a public table of strangers. Here members are trusted, few, and all but always there: a
      // record is kept by eight of them, and a query asks three at a time.
      kBucketSize: 8,
      alpha: 3,
      // This class announces by itself, so that the library only has to forget. Its defaults are days.
      reprovide: { validity: validMilliseconds, interval: validMilliseconds / 4, threshold: 0 },
    });
    return (components) => new MemberRecords(factory(components) as KadDHT, components);
  }

  /** Calls back when a member is met that keeps records, until the signal aborts. */
  onNeighbour(callback: () => void, signal: AbortSignal): void {
    const { events } = this.components;
    const heard = ({ detail }: { readonly detail: { readonly protocols: readonly string[] } }) => {
      if (detail.protocols.includes(protocol)) callback();
    };
    events.addEventListener('peer:identify', heard);
    signal.addEventListener('abort', () => events.removeEventListener('peer:identify', heard), { once: true });
  }

  /** Tells the members whose ids are closest to the key; with nobody else there, the record is kept here. */
  async announce(key: CID, signal: AbortSignal): Promise<void> {
    for await (const _ of this.service.provide(key, { signal }));
  }

  /** Others forget by themselves; a node that is gone cannot tell them. */
  async withdraw(key: CID): Promise<void> {
    await this.service.cancelReprovide(key);
  }

  /** Everybody who is announced under the key, as the members closest to it know. */
  async find(key: CID, signal: AbortSignal): Promise<HeardPeer[]> {
    const found = new Map<string, Set<string>>();
    const add = ({ id, multiaddrs }: PeerInfo) => {
      if (id.equals(this.components.peerId)) return;
      const peerId = id.toString();
      const addresses = found.get(peerId) ?? new Set();
      found.set(peerId, addresses);
      for (const address of multiaddrs) addresses.add(withPeerId(address.toString(), peerId));
    };
    // The library's query stops when it has found a bucket's size; what is kept here is known without asking.
    for (const id of (await (this.service as KeptRecords).providers?.getProviders(key)) ?? []) {
      const peer = await this.components.peerStore.get(id).catch(() => undefined);
      if (peer) add({ id, multiaddrs: peer.addresses.map(({ multiaddr }) => multiaddr) });
    }
    let answers = 0;
    try {
      for await (const event of this.service.findProviders(key, { signal })) {
        if (event.name !== 'PEER_RESPONSE' || event.from.equals(this.components.peerId)) continue;
        event.providers.forEach(add);
        answers += 1;
        if (answers === enoughAnswers) break;
      }
    } catch (thrown) {
      // On a slow network there may be time for some answers only.
      if (found.size === 0) throw thrown;
    }
    // Members give addresses in any order; sorted, the same ones are no news.
    return [...found].map(([peerId, addresses]) => ({ peerId, addresses: [...addresses].sort() }));
  }
}
