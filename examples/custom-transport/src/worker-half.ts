/** Listening and connecting: of every pair of members, the later one calls the earlier one. */
import { once } from 'node:events';
import { type AddressInfo, createConnection, createServer, type Server, type Socket } from 'node:net';
import { hostname } from 'node:os';
import {
  type ChannelSet,
  type ListenOptions,
  type MemberAddress,
  type MemberEndpoint,
  ShoalError,
  type TransportEndpoint,
  type TransportListener,
  type TransportWorker,
} from '@shoal/core';
import { ByteReader } from './frames.js';
import { nameOf, shakeHands } from './handshake.js';
import { SocketChannel } from './socket-channel.js';

/** Strangers may connect; so many at a time are listened to. */
const mostConnections = 256;
const retryMilliseconds = 50;

const isEarlier = (left: MemberAddress, right: MemberAddress): boolean =>
  left.stage < right.stage || (left.stage === right.stage && left.member < right.member);

export function exampleTransportWorker(): TransportWorker {
  return {
    listen: async (options) => {
      // The bytes are not encrypted: whatever the node listens on, this stays on the machine.
      const server = createServer();
      server.maxConnections = mostConnections;
      server.listen(0, '127.0.0.1');
      await once(server, 'listening');
      return new ExampleListener(server, options);
    },
  };
}

class ExampleListener implements TransportListener {
  readonly endpoint: TransportEndpoint;
  private readonly closing = new AbortController();
  private state: 'listening' | 'connecting' | 'over' = 'listening';
  private meeting: Meeting | undefined;
  /** Who called before `connect`; nothing of theirs has been read. */
  private readonly early = new Set<Socket>();

  constructor(
    private readonly server: Server,
    private readonly options: ListenOptions,
  ) {
    const { port } = server.address() as AddressInfo;
    this.endpoint = { transport: 'example', host: hostname(), address: '127.0.0.1', port };
    server.on('connection', (socket) => this.arrive(socket));
  }

  async connect(
    peers: readonly MemberEndpoint[],
    { deadlineMilliseconds }: { readonly deadlineMilliseconds: number },
  ): Promise<ChannelSet> {
    if (this.state !== 'listening') {
      throw new ShoalError('TRANSPORT_CLOSED', 'the listener was closed, or has connected already');
    }
    this.state = 'connecting';
    const { self } = this.options;
    const others = peers.filter(({ stage, member }) => stage !== self.stage || member !== self.member);
    const meeting = new Meeting(others, this.options);
    this.meeting = meeting;
    const timer = setTimeout(() => this.closing.abort(), deadlineMilliseconds);
    try {
      for (const socket of this.early) this.arrive(socket);
      for (const peer of others) if (isEarlier(peer, self)) void meeting.call(peer, this.closing.signal);
      const channels = await meeting.complete(this.closing.signal);
      return {
        channels,
        close: async () => {
          await Promise.all(channels.map((channel) => channel.close()));
        },
      };
    } catch (thrown) {
      await meeting.giveUp();
      throw thrown;
    } finally {
      clearTimeout(timer);
      this.meeting = undefined;
      this.state = 'over';
    }
  }

  async close(): Promise<void> {
    this.state = 'over';
    this.closing.abort();
    for (const socket of this.early) socket.destroy();
    // Not waited for: channels that exist live on, and hold the server until they end.
    this.server.close();
  }

  private arrive(socket: Socket): void {
    this.early.delete(socket);
    // Whatever goes wrong with a socket, its reads end.
    socket.on('error', () => undefined);
    if (this.meeting) void this.meeting.greet(socket, 'listener');
    else if (this.state === 'over') socket.destroy();
    else this.early.add(socket);
  }
}

/** Who has come, and why somebody has not. */
class Meeting {
  private readonly sockets = new Set<Socket>();
  private readonly channels = new Map<string, SocketChannel>();
  private readonly problems = new Map<string, ShoalError>();
  private problem: ShoalError | undefined;
  private wake: () => void = () => undefined;

  constructor(
    private readonly expected: readonly MemberEndpoint[],
    private readonly options: ListenOptions,
  ) {}

  /** Calls a peer until it answers or the signal aborts. */
  async call(peer: MemberEndpoint, signal: AbortSignal): Promise<void> {
    const { address, port } = peer.endpoint;
    while (!signal.aborted && !this.channels.has(nameOf(peer))) {
      const socket = createConnection({ host: String(address), port: Number(port) });
      // Whatever goes wrong with a socket, its reads end.
      socket.on('error', () => undefined);
      const isThere = await once(socket, 'connect', { signal }).then(
        () => true,
        () => false,
      );
      if (isThere && (await this.greet(socket, 'caller', peer))) return;
      socket.destroy();
      await new Promise((resolve) => setTimeout(resolve, retryMilliseconds));
    }
  }

  /** Whether the other side is a member that was missing. */
  async greet(socket: Socket, side: 'caller' | 'listener', called?: MemberAddress): Promise<boolean> {
    this.sockets.add(socket);
    socket.once('close', () => this.sockets.delete(socket));
    const connection = { socket, reader: new ByteReader(socket) };
    try {
      const peer = await shakeHands(connection, side, this.options.credentials, this.options.self);
      const name = nameOf(peer);
      const isExpected = this.expected.some((one) => nameOf(one) === name) && !this.channels.has(name);
      if (!isExpected || (called && nameOf(called) !== name)) throw new ShoalError('TRANSPORT_PROTOCOL', `${name}?`);
      this.channels.set(name, new SocketChannel(connection, peer));
      this.sockets.delete(socket);
      this.wake();
      return true;
    } catch (thrown) {
      // A stranger must not end the load: the reason counts only if the member itself never comes.
      const problem = ShoalError.from(thrown, 'TRANSPORT_PROTOCOL');
      if (called) this.problems.set(nameOf(called), problem);
      else this.problem ??= problem;
      socket.destroy();
      return false;
    }
  }

  async complete(signal: AbortSignal): Promise<readonly SocketChannel[]> {
    while (this.channels.size < this.expected.length) {
      if (signal.aborted) throw this.failure();
      await new Promise<void>((resolve) => {
        this.wake = resolve;
        signal.addEventListener('abort', () => resolve(), { once: true });
      });
    }
    return this.expected.flatMap((peer) => this.channels.get(nameOf(peer)) ?? []);
  }

  async giveUp(): Promise<void> {
    for (const socket of this.sockets) socket.destroy();
    await Promise.all([...this.channels.values()].map((channel) => channel.close()));
  }

  private failure(): ShoalError {
    const missing = this.expected.map(nameOf).filter((name) => !this.channels.has(name));
    const reason = missing.map((name) => this.problems.get(name)).find((one) => one) ?? this.problem;
    const message = `${missing.join(', ')} did not join in time${reason ? `: ${reason.message}` : ''}`;
    const isRefusal = reason?.code === 'TRANSPORT_UNAUTHENTICATED' || reason?.code === 'TRANSPORT_EPOCH_MISMATCH';
    return new ShoalError(isRefusal ? reason.code : 'TRANSPORT_UNREACHABLE', message);
  }
}
