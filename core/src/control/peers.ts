/**
 * Who is in the cluster, as this node sees it: sightings become connections, connections become peers after the
 * handshake, and peers are watched.
 */
import type { Loss, Sighting } from '../spec/discovery.js';
import { ShoalError } from '../spec/errors.js';
import type { ByteChannel } from './byte-channel.js';
import { Dialer, type Failing, type SightingOrigin } from './dialer.js';
import { checkHello, maximumAddressesPerPeer, reachableAddresses } from './hello.js';
import type { ControlHost } from './libp2p-host.js';
import { Liveness } from './liveness.js';
import { LostPeers, type UnreachablePeer } from './lost-peers.js';
import type { messages } from './messages.js';
import { noPulse, type Pulses } from './pulse/pulses.js';
import { isRefusal, Refusals, type RefusedPeer, refusedPeer } from './refusals.js';
import { type CallOptions, type ControlHandlers, RpcConnection } from './rpc.js';
import { hostOfMultiaddress } from './same-machine.js';

export interface Peer {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** Where it listens, as it says. */
  readonly addresses: readonly string[];
  /** It is connected but has not answered for a while: busy, or about to be lost. */
  readonly stalled: boolean;
  /** What is not as it should be with a peer that works. */
  readonly caution?: string;
  readonly connection: RpcConnection;
}

export interface PeerObserver {
  joined(peer: Peer): void;
  /** It said goodbye. */
  left(peer: Peer): void;
  lost(peer: Peer, reason: ShoalError): void;
  refused(refusal: RefusedPeer): void;
  /** Something that was configured or discovered does not answer; called once until it has answered. */
  unreachable(peer: UnreachablePeer): void;
}

export interface PeersOptions {
  readonly self: () => messages.Hello.$Properties;
  /** What peers may ask of this node. */
  readonly handlers: ControlHandlers;
  readonly observer: PeerObserver;
  /** Absent: control pings alone say whether a peer lives. */
  readonly pulses?: Pick<Pulses, 'watch' | 'viewOf' | 'awaitReturn' | 'forget'> | undefined;
}

const handshakeDeadlineMilliseconds = 5000;
/** How long the others have to hear that this node leaves. */
const goodbyeDeadlineMilliseconds = 500;
/** How long a peer has to show that it is not the one that comes with its identity. */
const doubleDeadlineMilliseconds = 1500;
/** Pulses that have not come by then do not come. */
const pulsesExpectedAfterMilliseconds = 5000;

interface Member {
  hello: messages.Hello.$Properties;
  readonly since: number;
  /** Both sides may dial at once, so there may be two; the last is used, because a peer that comes again gave up the first. */
  readonly connections: RpcConnection[];
  readonly liveness: Liveness;
}

export class Peers {
  private readonly members = new Map<string, Member>();
  private readonly refusals = new Refusals();
  private readonly lostPeers = new LostPeers();
  private readonly dialer: Dialer;
  private readonly handlers: ControlHandlers;
  private host: ControlHost | undefined;
  private stopped = false;

  constructor(private readonly options: PeersOptions) {
    this.dialer = new Dialer({
      connect: (addresses, signal) => this.connect(addresses, signal),
      isConnected: (nodeId) => this.members.has(nodeId),
      failed: (failing) => this.dialFailed(failing),
    });
    const goodbye: ControlHandlers['goodbye'] = (_request, { connection }) => {
      this.saidGoodbye(connection.peer?.nodeId ?? '');
      return {};
    };
    // The node's own are looked up when they are called; they are made later.
    this.handlers = Object.assign(Object.create(options.handlers) as ControlHandlers, { goodbye });
  }

  /** The host is made with `accept` as its callback, so it comes later than this object. */
  start(host: ControlHost): void {
    this.host = host;
  }

  /** A channel that a peer opened. */
  accept(peerId: string, channel: ByteChannel): void {
    const connection = new RpcConnection(channel, {
      hello: async (hello) => {
        try {
          checkHello(hello, peerId);
          await this.refuseDouble(hello);
        } catch (thrown) {
          const refused = ShoalError.from(thrown);
          const peer = refusedPeer(channel.remote, refused);
          if (isRefusal(refused) && this.refusals.add(peerId, peer)) this.options.observer.refused(peer);
          throw thrown;
        }
        queueMicrotask(() => this.admit(hello, connection));
        return this.options.self();
      },
    });
    const timer = setTimeout(() => {
      if (!connection.peer) connection.abort(new ShoalError('TIMEOUT', `${channel.remote} did not introduce itself`));
    }, handshakeDeadlineMilliseconds);
    timer.unref();
  }

  /** Somebody with another cluster key came and was turned away before anything was said. */
  metStranger(remote: string): void {
    const address = strangerAddress(remote);
    const message = `a node at ${address} is not of this cluster: it has another cluster key`;
    const refusal = refusedPeer(address, new ShoalError('NODE_NOT_A_MEMBER', message));
    if (!this.stopped && this.refusals.add(address, refusal)) this.options.observer.refused(refusal);
  }

  sighted(sighting: Sighting | Loss, origin: SightingOrigin = 'discovered'): void {
    const { peerId, seenBy } = sighting;
    if (this.stopped || (peerId !== undefined && peerId === this.host?.nodeId)) return;
    const addresses = sighting.addresses.slice(0, maximumAddressesPerPeer);
    if (sighting.kind === 'lost') this.dialer.forget({ peerId, addresses, seenBy });
    else this.dialer.add({ peerId, addresses, seenBy, origin });
  }

  list(): Peer[] {
    return [...this.members].flatMap(([nodeId]) => this.get(nodeId) ?? []);
  }

  /** Those that were met but cannot be members. */
  refused(): RefusedPeer[] {
    const dialed = this.failing().flatMap(({ addresses, error }) =>
      isRefusal(error) ? refusedPeer(addresses[0] ?? '', error) : [],
    );
    const known = new Set(dialed.map(({ nodeId }) => nodeId));
    return [...dialed, ...this.refusals.list().filter(({ nodeId }) => !known.has(nodeId))];
  }

  /** Those that were lost and are sought, and those that were sighted and do not answer. */
  unreachable(): UnreachablePeer[] {
    const lost = this.lostPeers.list((nodeId) => !this.members.has(nodeId) && this.dialer.isTrying(nodeId));
    const known = new Set(lost.map(({ nodeId }) => nodeId));
    const failing = this.failing().filter(({ peerId = '', error }) => !isRefusal(error) && !known.has(peerId));
    return [...lost, ...failing.map(unreachablePeer)];
  }

  get(nodeId: string): Peer | undefined {
    const member = this.members.get(nodeId);
    const connection = member && connectionOf(member);
    if (!member || !connection) return undefined;
    const caution = this.cautionOf(nodeId, member);
    return {
      ...describe(member.hello),
      stalled: member.liveness.stalled,
      ...(caution === undefined ? {} : { caution }),
      connection,
    };
  }

  /** A peer has taken another name. */
  rename(nodeId: string, nodeName: string): void {
    const member = this.members.get(nodeId);
    if (member && member.hello.nodeName !== nodeName) member.hello = { ...member.hello, nodeName };
  }

  /** The connection to a peer; throws NODE_LOST when it is gone. */
  connectionTo(nodeId: string): RpcConnection {
    const peer = this.get(nodeId);
    if (!peer) throw new ShoalError('NODE_LOST', `node ${nodeId} is not connected`, { details: { nodeId } });
    return peer.connection;
  }

  /** Resolves when the dialing of every sighting so far has had one outcome. */
  settled(options: CallOptions = {}): Promise<void> {
    return this.dialer.settled(options.signal);
  }

  /** The pulses of a peer say something new. */
  pulseChanged(nodeId: string): void {
    this.members.get(nodeId)?.liveness.pulseChanged();
  }

  /** A peer that was lost gives a sign of life. */
  pulseReturned(nodeId: string): void {
    if (this.stopped || this.members.has(nodeId)) return;
    const hello = this.lostPeers.get(nodeId);
    if (hello) this.seek(hello);
    this.dialer.returned(nodeId);
  }

  /** Tells everybody that this node leaves, so that nobody takes it for lost. It accepts and dials nobody after that. */
  async sayGoodbye(): Promise<void> {
    if (this.stopped) return;
    this.stopped = true;
    this.dialer.stop();
    const calls = this.list().map(({ connection }) =>
      connection.call('goodbye', {}, { deadlineMilliseconds: goodbyeDeadlineMilliseconds }),
    );
    await Promise.allSettled(calls);
  }

  stop(): void {
    this.stopped = true;
    this.dialer.stop();
    for (const member of this.members.values()) {
      member.liveness.stop();
      for (const connection of member.connections) connection.close();
    }
  }

  private async connect(addresses: readonly string[], signal: AbortSignal): Promise<string> {
    if (!this.host) throw new ShoalError('INTERNAL', 'a peer was dialed before the host started');
    const { peerId, channel } = await this.host.dial(addresses, signal);
    let admitted: (handlers: ControlHandlers) => void = () => undefined;
    // The other side may call as soon as it has answered the handshake.
    const handlers = new Promise<ControlHandlers>((resolve) => {
      admitted = resolve;
    });
    const connection = new RpcConnection(channel, handlers);
    try {
      const hello = await connection.call('hello', this.options.self(), {
        signal,
        deadlineMilliseconds: handshakeDeadlineMilliseconds,
      });
      checkHello(hello, peerId);
      await this.refuseDouble(hello);
      this.admit(hello, connection);
      admitted(this.handlers);
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
    return peerId;
  }

  /**
   * A node that was restarted comes with a new incarnation. Its former run is dropped, unless that still lives: then two
   * nodes have one identity, and the second one is refused with NODE_IDENTITY_IN_USE.
   */
  private async refuseDouble({ nodeId, nodeName, incarnation }: messages.Hello.$Properties): Promise<void> {
    const member = this.members.get(nodeId ?? '');
    const connection = member && connectionOf(member);
    if (!member || !connection || !incarnation || incarnation === member.hello.incarnation) return;
    const pulse = this.options.pulses?.viewOf(nodeId ?? '') ?? noPulse;
    const lives =
      (pulse.state === 'heard' && pulse.isLoopStalled) ||
      (await connection.call('ping', {}, { deadlineMilliseconds: doubleDeadlineMilliseconds }).then(
        () => true,
        () => false,
      ));
    if (lives) {
      const message =
        `node ${nodeName} has the identity of node ${member.hello.nodeName}, which runs at ${connection.remote}: ` +
        'its home was copied with identity.key';
      throw new ShoalError('NODE_IDENTITY_IN_USE', message, { details: { nodeId, nodeName } });
    }
    this.cut(nodeId ?? '', new ShoalError('NODE_LOST', `node ${nodeName} was started anew`, { details: { nodeId } }));
  }

  private admit(hello: messages.Hello.$Properties, connection: RpcConnection): void {
    if (this.stopped) {
      connection.close();
      return;
    }
    const nodeId = hello.nodeId ?? '';
    connection.peer = hello;
    connection.serve(this.handlers);
    let member = this.members.get(nodeId);
    const isNew = !member;
    const known = { ...hello, addresses: reachableAddresses(hello.addresses ?? [], connection.remote) };
    if (!member) {
      const liveness = new Liveness({
        connection: () => {
          const current = this.members.get(nodeId);
          return current && connectionOf(current);
        },
        pulse: () => this.options.pulses?.viewOf(nodeId) ?? noPulse,
        cut: (error) => this.cut(nodeId, error),
      });
      member = { hello: known, since: performance.now(), connections: [], liveness };
      this.members.set(nodeId, member);
    }
    member.hello = known;
    member.connections.push(connection);
    this.refusals.delete(nodeId);
    this.refusals.delete(strangerAddress(connection.remote));
    this.lostPeers.delete(nodeId);
    void connection.closed.then((reason) => this.disconnected(nodeId, connection, reason));
    const end = { nodeId, incarnation: hello.incarnation ?? '' };
    this.options.pulses?.watch(end, connection.remote, hello.pulsePort || undefined);
    const peer = this.get(nodeId);
    if (isNew && peer) {
      member.liveness.start();
      this.options.observer.joined(peer);
    }
  }

  private cut(nodeId: string, error: ShoalError): void {
    // A copy: each one that ends is taken out of the list.
    const connections = this.members.get(nodeId)?.connections.slice() ?? [];
    for (const connection of connections) {
      connection.abort(error);
      this.disconnected(nodeId, connection, error);
    }
  }

  private disconnected(nodeId: string, connection: RpcConnection, reason: ShoalError): void {
    const member = this.members.get(nodeId);
    const index = member?.connections.indexOf(connection) ?? -1;
    if (!member || index < 0) return;
    member.connections.splice(index, 1);
    if (member.connections.length > 0) return;
    member.liveness.stop();
    this.members.delete(nodeId);
    if (this.stopped) return;
    // It may live and be cut off: its pulses show when the way to it is free again.
    this.options.pulses?.awaitReturn(nodeId);
    this.lostPeers.add(member.hello, reason);
    this.options.observer.lost({ ...describe(member.hello), stalled: false, connection }, reason);
    this.seek(member.hello);
    this.dialer.lost(nodeId);
  }

  private saidGoodbye(nodeId: string): void {
    const member = this.members.get(nodeId);
    const connection = member && connectionOf(member);
    if (!member || !connection || this.stopped) return;
    member.liveness.stop();
    this.members.delete(nodeId);
    this.options.pulses?.forget(nodeId);
    this.options.observer.left({ ...describe(member.hello), stalled: false, connection });
    this.dialer.left(nodeId);
  }

  /** Both sides look for each other, whoever found the other one first. */
  private seek({ nodeId, nodeName, addresses }: messages.Hello.$Properties): void {
    this.dialer.add({
      peerId: nodeId ?? '',
      addresses: addresses ?? [],
      seenBy: nodeName ?? '',
      origin: 'hearsay',
    });
  }

  private dialFailed(failing: Failing): void {
    const { error, addresses, attempts, peerId, origin } = failing;
    if (isRefusal(error)) {
      if (attempts === 1) this.options.observer.refused(refusedPeer(addresses[0] ?? '', error));
    } else if (attempts === 1 && origin !== 'hearsay' && !this.lostPeers.get(peerId ?? '')) {
      this.options.observer.unreachable(unreachablePeer(failing));
    }
  }

  /** What cannot be reached in one way may be connected in another: by its id, or because a member listens there. */
  private failing(): Failing[] {
    const bare = (address: string) => address.replace(/\/p2p\/[^/]+$/, '');
    const members = [...this.members.values()];
    const listened = new Set(members.flatMap(({ hello }) => (hello.addresses ?? []).map(bare)));
    return this.dialer.failing().filter(({ peerId, addresses }) => {
      if (peerId !== undefined) return !this.members.has(peerId);
      return !addresses.some((address) => listened.has(bare(address)));
    });
  }

  private cautionOf(nodeId: string, member: Member): string | undefined {
    const state = this.options.pulses?.viewOf(nodeId).state ?? 'none';
    const late = 'so that a silent loss is noticed after 20 s only';
    if (state === 'silent') return `pulses (UDP) come no more although it answers, ${late}`;
    const isLate = performance.now() - member.since > pulsesExpectedAfterMilliseconds;
    if (state === 'unproven' && isLate) return `no pulse (UDP) comes through, ${late}`;
    return undefined;
  }
}

function describe(hello: messages.Hello.$Properties): Omit<Peer, 'stalled' | 'connection'> {
  const { nodeId, nodeName, softwareVersion, addresses } = hello;
  return {
    nodeId: nodeId ?? '',
    nodeName: nodeName ?? '',
    softwareVersion: softwareVersion ?? '',
    addresses: addresses ?? [],
  };
}

/** The port of who comes changes with every attempt. */
function strangerAddress(remote: string): string {
  return hostOfMultiaddress(remote) ?? remote;
}

function connectionOf({ connections }: Member): RpcConnection | undefined {
  return connections.filter((one) => !one.isClosed).at(-1);
}

function unreachablePeer({ peerId, addresses, error }: Failing): UnreachablePeer {
  const { code, message } = error;
  return { nodeId: peerId ?? '', nodeName: '', softwareVersion: '', addresses, code, message };
}
