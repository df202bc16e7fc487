/** Records of who is a member, kept by the members: a Kademlia table inside of the cluster. */
import type { PeerId, PeerInfo } from '@libp2p/interface';
import type { DisjointPath, KadDHT, MessageType, QueryEvent } from '@libp2p/kad-dht';
import { type HeardPeer, type HostComponents, withPeerId } from '@shoal/core';
import type { CID } from 'multiformats/cid';

/** Each keeper has all records, and the next look-up asks others: a few answers tell as much as all. */
const enoughAnswers = 3;

export const protocol = '/shoal/kad/1.0.0';

const membersPerBucket = 8;
/** A neighbour that has not answered by then is tried again at the next look-up. */
const admissionMilliseconds = 10_000;

interface QueryStep {
  readonly signal: AbortSignal;
  readonly path: DisjointPath;
}

/** What the library's class has beside its interface. */
interface TableParts {
  /** The records that other members gave this one to keep. */
  readonly providers: { getProviders(key: CID): Promise<readonly PeerId[]> };
  readonly network: {
    sendRequest(
      to: PeerId,
      message: { readonly type: MessageType; readonly key: Uint8Array },
      step: QueryStep,
    ): AsyncIterable<QueryEvent>;
  };
  readonly queryManager: {
    run(
      key: Uint8Array,
      query: (step: QueryStep & { readonly peer: PeerInfo }) => AsyncIterable<QueryEvent>,
      options: { readonly signal: AbortSignal },
    ): AsyncIterable<QueryEvent>;
  };
  readonly routingTable: {
    readonly size: number;
    /** Pings the peer first, and passes over it if it does not answer. */
    add(peerId: PeerId, options: { readonly signal: AbortSignal }): Promise<void>;
  };
}

export interface RecordOptions {
  /** How long a record is kept that is not announced again. */
  readonly validMilliseconds: number;
}

export class MemberRecords {
  /** Members that were met and keep records, by their ids. */
  private readonly neighbours = new Map<string, PeerId>();
  private readonly parts: TableParts;
  private tellOfNeighbour: () => void = () => undefined;

  private constructor(
    readonly service: KadDHT,
    private readonly components: HostComponents,
  ) {
    this.parts = service as unknown as TableParts;
    // For as long as the host lives.
    components.events.addEventListener('peer:identify', ({ detail: { peerId, protocols } }) => {
      if (!protocols.includes(protocol)) return;
      this.neighbours.set(peerId.toString(), peerId);
      this.tellOfNeighbour();
    });
    components.events.addEventListener('peer:disconnect', ({ detail }) => {
      this.neighbours.delete(detail.toString());
    });
  }

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
      // record is kept by eight of them, and a query asks three at a time, of which none can lead it astray.
      kBucketSize: membersPerBucket,
      alpha: 3,
      disjointPaths: 1,
      // This class announces by itself, so that the library only has to forget. Its defaults are days.
      reprovide: { validity: validMilliseconds, interval: validMilliseconds / 4, threshold: 0 },
    });
    return (components) => new MemberRecords(factory(components) as KadDHT, components);
  }

  /** Calls back when a member is met that keeps records, until the signal aborts. */
  onNeighbour(callback: () => void, signal: AbortSignal): void {
    this.tellOfNeighbour = callback;
    const forget = () => {
      this.tellOfNeighbour = () => undefined;
    };
    signal.addEventListener('abort', forget, { once: true });
  }

  /** There are members to ask, but none of them is in the table: none has answered yet. */
  get isCutOff(): boolean {
    return this.parts.routingTable.size === 0 && this.neighbours.size > 0;
  }

  /** Tells the members whose ids are closest to the key, and how many they were; the record is kept here, too. */
  async announce(key: CID, signal: AbortSignal): Promise<number> {
    await this.admitNeighbours(signal);
    let told = 0;
    for await (const event of this.service.provide(key, { signal })) {
      if (event.name === 'PEER_RESPONSE' && event.messageName === 'ADD_PROVIDER') told += 1;
    }
    return told;
  }

  /** Others forget by themselves; a node that is gone cannot tell them. */
  async withdraw(key: CID): Promise<void> {
    await this.service.cancelReprovide(key);
  }

  /** Everybody who is announced under the key, as the members closest to it know. */
  async find(key: CID, signal: AbortSignal): Promise<HeardPeer[]> {
    await this.admitNeighbours(signal);
    const found = new Map<string, Set<string>>();
    const add = ({ id, multiaddrs }: PeerInfo) => {
      if (id.equals(this.components.peerId)) return;
      const peerId = id.toString();
      const addresses = found.get(peerId) ?? new Set();
      found.set(peerId, addresses);
      for (const address of multiaddrs) addresses.add(withPeerId(address.toString(), peerId));
    };
    for (const id of await this.parts.providers.getProviders(key)) {
      const peer = await this.components.peerStore.get(id).catch(() => undefined);
      if (peer) add({ id, multiaddrs: peer.addresses.map(({ multiaddr }) => multiaddr) });
    }
    let answers = 0;
    try {
      for await (const event of this.ask(key, signal)) {
        if (event.name !== 'PEER_RESPONSE') continue;
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

  /**
   * The library's own `findProviders` asks nobody when a bucket's size of records is kept here. A member that was among the
   * closest while there were few, and is so no longer, would know those few for ever.
   */
  private ask(key: CID, signal: AbortSignal): AsyncIterable<QueryEvent> {
    const { network, queryManager } = this.parts;
    const target = key.multihash.bytes;
    const message = { type: 'GET_PROVIDERS' as MessageType, key: target };
    return queryManager.run(
      target,
      ({ peer, signal, path }) => network.sendRequest(peer.id, message, { signal, path }),
      {
        signal,
      },
    );
  }

  /**
   * The library pings a peer once, when it is met, and one that was too busy to answer stays out of the table, which may
   * then be empty for as long as the connection lasts.
   */
  private async admitNeighbours(signal: AbortSignal): Promise<void> {
    const { routingTable } = this.parts;
    if (routingTable.size >= Math.min(this.neighbours.size, membersPerBucket)) return;
    const deadline = AbortSignal.any([signal, AbortSignal.timeout(admissionMilliseconds)]);
    const admitted = Promise.allSettled(
      [...this.neighbours.values()].map((peerId) => routingTable.add(peerId, { signal: deadline })),
    );
    // Who is in the table already can be asked meanwhile.
    if (routingTable.size === 0) await admitted;
  }
}
