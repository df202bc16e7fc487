/** Answers probes of other nodes on this machine's data addresses. */
import { randomBytes } from 'node:crypto';
import { createServer, type Server, type Socket } from 'node:net';
import {
  commandBytes,
  commandKinds,
  decodeCommand,
  encodeCommand,
  greeting,
  greetingBytes,
  isProof,
  maximumBurstBytes,
  nonceBytes,
  proofBytes,
  proveProbe,
} from './probe-protocol.js';
import { SocketReader } from './socket-reader.js';

/** A stranger may hold a connection for so long. */
const handshakeDeadlineMilliseconds = 2000;
const sessionDeadlineMilliseconds = 15_000;
const maximumSessions = 64;
/** What bursts may bring in a minute, so that a member gone wrong cannot fill the wire. */
const maximumBurstBytesPerMinute = 512 * 1024 * 1024;

export interface ProbeEndpoint {
  /** With its zone where it is link-local. */
  readonly address: string;
  readonly port: number;
}

export class ProbeResponder {
  private readonly servers = new Map<string, Server>();
  private readonly sockets = new Set<Socket>();
  private burst: Promise<void> = Promise.resolve();
  private burstBytes = 0;
  private burstsSince = performance.now();
  private isStopped = false;

  constructor(private readonly options: { readonly key: Uint8Array; readonly nodeId: string }) {}

  get endpoints(): readonly ProbeEndpoint[] {
    return [...this.servers].flatMap(([address, server]) => {
      const bound = server.address();
      return bound !== null && typeof bound === 'object' ? [{ address, port: bound.port }] : [];
    });
  }

  /** Listens on these addresses and no others. Those that cannot be bound are left out. */
  async listenOn(addresses: readonly string[]): Promise<void> {
    const wanted = new Set(addresses);
    for (const [address, server] of this.servers) {
      if (wanted.has(address)) continue;
      this.servers.delete(address);
      server.close();
    }
    const missing = [...wanted].filter((address) => !this.servers.has(address));
    await Promise.all(missing.map((address) => this.listen(address)));
  }

  stop(): void {
    this.isStopped = true;
    for (const server of this.servers.values()) server.close();
    this.servers.clear();
    for (const socket of this.sockets) socket.destroy();
  }

  private listen(address: string): Promise<void> {
    return new Promise((resolve) => {
      // Bytes of a connection wait in the system until they are asked for.
      const server = createServer({ noDelay: true }, (socket) => this.accept(socket));
      server.maxConnections = maximumSessions;
      server.once('error', () => resolve());
      server.listen({ host: address, port: 0, exclusive: true }, () => {
        if (this.isStopped || this.servers.has(address)) server.close();
        else this.servers.set(address, server);
        server.on('error', () => this.servers.delete(address));
        resolve();
      });
      // Probes alone keep no program running.
      server.unref();
    });
  }

  private accept(socket: Socket): void {
    if (this.isStopped || this.sockets.size >= maximumSessions) {
      socket.destroy();
      return;
    }
    this.sockets.add(socket);
    const timer = setTimeout(() => socket.destroy(), handshakeDeadlineMilliseconds);
    timer.unref();
    const authenticated = () => {
      clearTimeout(timer);
      const end = setTimeout(() => socket.destroy(), sessionDeadlineMilliseconds);
      end.unref();
      socket.once('close', () => clearTimeout(end));
    };
    socket.once('close', () => {
      clearTimeout(timer);
      this.sockets.delete(socket);
    });
    this.serve(socket, authenticated)
      // The caller has what it wanted, or is none of ours.
      .catch(() => undefined)
      .finally(() => socket.destroy());
  }

  private async serve(socket: Socket, authenticated: () => void): Promise<void> {
    const { key, nodeId } = this.options;
    const reader = new SocketReader(socket);
    const hello = await reader.read(greetingBytes);
    if (!hello.subarray(0, greeting.length).equals(greeting)) return;
    const nonces = { caller: hello.subarray(greeting.length), responder: randomBytes(nonceBytes) };
    socket.write(Buffer.concat([nonces.responder, proveProbe(key, 'responder', nodeId, nonces)]));
    if (!isProof(await reader.read(proofBytes), proveProbe(key, 'caller', nodeId, nonces))) return;
    authenticated();
    for (;;) {
      const { kind, value } = decodeCommand(await reader.read(commandBytes));
      if (kind === commandKinds.echo) socket.write(encodeCommand(kind, value));
      else if (kind === commandKinds.burst) await this.receiveBurst(socket, reader, value);
      else return;
    }
  }

  /** One burst at a time: two would measure each other. */
  private async receiveBurst(socket: Socket, reader: SocketReader, byteCount: number): Promise<void> {
    const before = this.burst;
    let unused = 0;
    let done: () => void = () => undefined;
    this.burst = new Promise((resolve) => {
      done = resolve;
    });
    try {
      await before;
      if (!this.allows(byteCount)) {
        socket.write(encodeCommand(commandKinds.burst, 0));
        return;
      }
      unused = byteCount;
      socket.write(encodeCommand(commandKinds.burst, byteCount));
      await receiveRounds(socket, reader, byteCount, (bytes) => {
        unused -= bytes;
      });
    } finally {
      this.burstBytes -= unused;
      done();
    }
  }

  private allows(byteCount: number): boolean {
    const now = performance.now();
    if (now - this.burstsSince > 60_000) {
      this.burstsSince = now;
      this.burstBytes = 0;
    }
    if (byteCount === 0 || byteCount > maximumBurstBytes) return false;
    if (this.burstBytes + byteCount > maximumBurstBytesPerMinute) return false;
    this.burstBytes += byteCount;
    return true;
  }
}

/** Until the caller has used up what it was granted, or says something else, or leaves, which rejects. */
async function receiveRounds(
  socket: Socket,
  reader: SocketReader,
  granted: number,
  received: (bytes: number) => void,
): Promise<void> {
  for (let left = granted; left > 0; ) {
    const { kind, value } = decodeCommand(await reader.read(commandBytes));
    if (kind !== commandKinds.round || value === 0 || value > left) throw new Error('no round of this burst');
    let firstAt: number | undefined;
    await reader.discard(value, (bytes) => {
      firstAt ??= performance.now();
      received(bytes);
    });
    left -= value;
    const microseconds = (performance.now() - (firstAt ?? 0)) * 1000;
    socket.write(encodeCommand(commandKinds.arrived, Math.min(0xffff_ffff, Math.round(microseconds))));
  }
}
