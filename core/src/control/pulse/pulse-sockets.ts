/** The datagram sockets of a node: those that listen, and one for each peer that none of those reaches. */
import { createSocket, type Socket } from 'node:dgram';
import { isIPv6 } from 'node:net';
import { isLoopbackHost } from '../same-machine.js';
import type { PulseAddress } from './pulse-protocol.js';

/** A way to a peer. */
export interface PulseRoute {
  readonly socket: Socket;
  /** Absent: the socket is connected. */
  readonly address?: PulseAddress;
}

export type PulseReceiver = (bytes: Buffer, route: PulseRoute) => void;

const receiveBufferBytes = 256 * 1024;

export class PulseSockets {
  private readonly bound: { readonly socket: Socket; readonly host: string }[] = [];
  private readonly connected = new Map<string, Socket>();

  constructor(private readonly receive: PulseReceiver) {}

  /**
   * Binds one socket for each host, all with one port: the first that is wanted, or any. What cannot be bound is left
   * out, and said.
   */
  async listen(addresses: readonly PulseAddress[]): Promise<{ port: number | undefined; problems: string[] }> {
    const problems: string[] = [];
    let port: number | undefined;
    for (const { host, port: wanted } of addresses) {
      // The port of the control connections is the easiest one to allow in a firewall; another program may have it.
      const choices = port === undefined ? [wanted, 0] : [port];
      const failures: string[] = [];
      for (const choice of choices) {
        try {
          const socket = await bind(host, choice);
          port = socket.address().port;
          this.attach(socket);
          this.bound.push({ socket, host });
          break;
        } catch (thrown) {
          failures.push(thrown instanceof Error ? thrown.message : String(thrown));
        }
      }
      if (failures.length === choices.length) problems.push(failures.join('; '));
    }
    return { port, problems };
  }

  /** A way to an address that was never heard from. */
  async routeTo(address: PulseAddress): Promise<PulseRoute> {
    const family = isIPv6(address.host);
    const socket = this.bound.find(({ host }) => isIPv6(host) === family && !isLoopbackHost(host))?.socket;
    if (socket) return { socket, address };
    // A connected socket takes datagrams from this peer alone: a node that listens on loopback stays closed.
    const key = `${address.host} ${address.port}`;
    const known = this.connected.get(key);
    if (known) return { socket: known };
    const made = createSocket(family ? 'udp6' : 'udp4');
    this.connected.set(key, made);
    await new Promise<void>((resolve, reject) => {
      made.once('error', reject);
      made.connect(address.port, address.host, () => {
        made.off('error', reject);
        resolve();
      });
    });
    this.attach(made, true);
    return { socket: made };
  }

  send(bytes: Buffer, { socket, address }: PulseRoute): void {
    // What cannot be sent is missed by the other side, which is all there is to say about it.
    const ignore = () => undefined;
    try {
      if (address) socket.send(bytes, address.port, address.host, ignore);
      else socket.send(bytes, ignore);
    } catch {
      // The socket was closed meanwhile.
    }
  }

  /** Nobody needs the way any more. */
  release({ socket }: PulseRoute): void {
    for (const [key, one] of this.connected) {
      if (one !== socket) continue;
      this.connected.delete(key);
      socket.close();
    }
  }

  private attach(socket: Socket, isConnected = false): void {
    // For example ECONNREFUSED, by which the system says that the peer's socket is closed.
    socket.on('error', () => undefined);
    socket.on('message', (bytes, { address, port }) => {
      this.receive(bytes, isConnected ? { socket } : { socket, address: { host: address, port } });
    });
  }
}

function bind(host: string, port: number): Promise<Socket> {
  const socket = createSocket({
    type: isIPv6(host) ? 'udp6' : 'udp4',
    ipv6Only: isIPv6(host),
    recvBufferSize: receiveBufferBytes,
  });
  return new Promise((resolve, reject) => {
    socket.once('error', (error) => {
      socket.close();
      reject(error);
    });
    socket.bind({ address: host, port, exclusive: true }, () => {
      socket.removeAllListeners('error');
      resolve(socket);
    });
  });
}
