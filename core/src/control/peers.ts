/**
 * Who is in the cluster, as this node sees it: sightings become connections, connections become peers after the
 * handshake, and peers are watched.
 */

import type { Loss, Sighting } from '../spec/discovery.js';
import { ShoalError } from '../spec/errors.js';
import { controlProtocolVersion } from '../spec/version.js';
import type { ByteChannel } from './byte-channel.js';
import { Dialer } from './dialer.js';
import type { ControlHost } from './libp2p-host.js';
import { Liveness } from './liveness.js';
import { messages } from './messages.js';
import { type CallOptions, type ControlHandlers, RpcConnection } from './rpc.js';

export interface Peer {
  readonly nodeId: string;
  readonly nodeName: string;
  readonly softwareVersion: string;
  /** Where it listens, as it says. */
  readonly addresses: readonly string[];
  /** It is connected but has not answered for a while: busy, or about to be lost. */
  readonly stalled: boolean;
  readonly connection: RpcConnection;
}

/** A node that was met but cannot be a member. */
export interface RefusedPeer {
  readonly address: string;
  readonly code: string;
  readonly message: string;
}

export interface PeerObserver {
  joined(peer: Peer): void;
  left(peer: Peer, reason: ShoalError): void;
  refused(refusal: RefusedPeer): void;
}

export interface PeersOptions {
  readonly self: () => messages.Hello.$Properties;
  /** What peers may ask of this node. */
  readonly handlers: ControlHandlers;
  readonly observer: PeerObserver;
}

const handshakeDeadlineMilliseconds = 5000;
const maximumAddressesPerPeer = 32;

interface Member {
  hello: messages.Hello.$Properties;
  /** Both sides may dial at once, so there may be two; the first open one is used. */
  readonly connections: RpcConnection[];
  readonly liveness: Liveness;
}

export class Peers {
  private readonly members = new Map<string, Member>();
  private readonly refusals = new Map<string, RefusedPeer>();
  private readonly dialer: Dialer;
  private host: ControlHost | undefined;
  private stopped = false;

  constructor(private readonly options: PeersOptions) {
    this.dialer = new Dialer({
      connect: (addresses, signal) => this.connect(addresses, signal),
      isConnected: (nodeId) => this.members.has(nodeId),
      failed: (address, error) => this.refuse(address, error),
    });
  }

  /** The host is made with `accept` as its callback, so it comes later than this object. */
  start(host: ControlHost): void {
    this.host = host;
  }

  /** A channel that a peer opened. */
  accept(peerId: string, channel: ByteChannel): void {
    const connection = new RpcConnection(channel, {
      hello: (hello) => {
        // What the handshake says is checked against what the encryption proved.
        try {
          this.checkHello(hello, peerId);
        } catch (thrown) {
          this.refuse(channel.remote, ShoalError.from(thrown));
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

  sighted(sighting: Sighting | Loss): void {
    if (this.stopped) return;
    const addresses = sighting.addresses.slice(0, maximumAddressesPerPeer);
    if (sighting.kind === 'lost') this.dialer.forget(sighting.peerId, addresses);
    else if (sighting.peerId === undefined || sighting.peerId !== this.host?.nodeId) {
      this.dialer.add(sighting.peerId, addresses);
    }
  }

  list(): Peer[] {
    return [...this.members].flatMap(([nodeId]) => this.get(nodeId) ?? []);
  }

  refused(): RefusedPeer[] {
    return [...this.refusals.values()];
  }

  get(nodeId: string): Peer | undefined {
    const member = this.members.get(nodeId);
    const connection = member?.connections.find((one) => !one.isClosed);
    if (!member || !connection) return undefined;
    const { hello } = member;
    return {
      nodeId,
      nodeName: hello.nodeName ?? '',
      softwareVersion: hello.softwareVersion ?? '',
      addresses: hello.addresses ?? [],
      stalled: member.liveness.stalled,
      connection,
    };
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
      this.checkHello(hello, peerId);
      this.admit(hello, connection);
      admitted(this.options.handlers);
    } catch (thrown) {
      connection.close();
      throw thrown;
    }
    return peerId;
  }

  /** Throws NODE_VERSION_MISMATCH or TRANSPORT_PROTOCOL. */
  private checkHello(hello: messages.Hello.$Properties, peerId: string): void {
    const who = hello.nodeName || peerId;
    if (hello.protocolVersion !== controlProtocolVersion) {
      const message =
        `node ${who} (Shoal ${hello.softwareVersion || 'of unknown version'}) speaks control protocol ` +
        `${hello.protocolVersion ?? 0}; this node speaks ${controlProtocolVersion}`;
      throw new ShoalError('NODE_VERSION_MISMATCH', message, {
        details: { nodeId: peerId, expected: controlProtocolVersion, actual: hello.protocolVersion },
      });
    }
    if (hello.nodeId !== peerId || hello.role === messages.Hello.Role.CLIENT) {
      throw new ShoalError('TRANSPORT_PROTOCOL', `the node at the other end is ${peerId}, not what it says it is`);
    }
    if ((hello.nodeName?.length ?? 0) > 200 || (hello.addresses?.length ?? 0) > maximumAddressesPerPeer) {
      throw new ShoalError('TRANSPORT_PROTOCOL', `node ${peerId} introduces itself with too much`);
    }
  }

  private admit(hello: messages.Hello.$Properties, connection: RpcConnection): void {
    if (this.stopped) {
      connection.close();
      return;
    }
    const nodeId = hello.nodeId ?? '';
    connection.peer = hello;
    connection.serve(this.options.handlers);
    let member = this.members.get(nodeId);
    const isNew = !member;
    if (!member) {
      const liveness = new Liveness(() => this.members.get(nodeId)?.connections.find((one) => !one.isClosed));
      member = { hello, connections: [], liveness };
      this.members.set(nodeId, member);
    }
    member.hello = hello;
    member.connections.push(connection);
    for (const address of hello.addresses ?? []) this.refusals.delete(address);
    void connection.closed.then((reason) => this.disconnected(nodeId, connection, reason));
    const peer = this.get(nodeId);
    if (isNew && peer) {
      member.liveness.start();
      this.options.observer.joined(peer);
    }
  }

  private disconnected(nodeId: string, connection: RpcConnection, reason: ShoalError): void {
    const member = this.members.get(nodeId);
    if (!member) return;
    const index = member.connections.indexOf(connection);
    if (index >= 0) member.connections.splice(index, 1);
    if (member.connections.length > 0) return;
    member.liveness.stop();
    this.members.delete(nodeId);
    if (this.stopped) return;
    const { hello } = member;
    const peer: Peer = {
      nodeId,
      nodeName: hello.nodeName ?? '',
      softwareVersion: hello.softwareVersion ?? '',
      addresses: hello.addresses ?? [],
      stalled: false,
      connection,
    };
    this.options.observer.left(peer, reason);
    this.dialer.retry(nodeId);
  }

  private refuse(address: string, error: ShoalError): void {
    if (error.code !== 'NODE_VERSION_MISMATCH' && error.code !== 'NODE_NOT_A_MEMBER') return;
    const refusal = { address, code: error.code, message: error.message };
    const known = this.refusals.get(address)?.message === refusal.message;
    this.refusals.set(address, refusal);
    if (!known) this.options.observer.refused(refusal);
  }
}
