/** One interface's ear and mouth: what is sent goes out there, whatever the routing table says. */
import { createSocket, type RemoteInfo, type Socket } from 'node:dgram';
import type { MulticastInterface } from './interfaces.js';

/** All mDNS of a local network. */
export const group = '224.0.0.251';

export interface MulticastSocket {
  readonly network: MulticastInterface;
  /** Resolves with what went wrong; undefined when the system took it. */
  send(bytes: Uint8Array): Promise<string | undefined>;
  close(): void;
}

export interface SocketOptions {
  readonly network: MulticastInterface;
  readonly port: number;
  readonly onMessage: (bytes: Uint8Array, from: RemoteInfo) => void;
  /** The socket has failed, for example because its interface is gone. */
  readonly onError: (error: Error) => void;
}

/** Throws what the system says when the port or the group is not to be had. */
export async function openMulticastSocket(options: SocketOptions): Promise<MulticastSocket> {
  const { network, port } = options;
  // The port is shared with the system's own responder, and with other nodes of this machine.
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    await bind(socket, port);
    socket.addMembership(group, network.address);
    socket.setMulticastInterface(network.address);
    socket.setMulticastTTL(255);
    socket.setMulticastLoopback(true);
  } catch (thrown) {
    socket.close();
    throw thrown;
  }
  socket.on('error', options.onError);
  socket.on('message', options.onMessage);
  let isClosed = false;
  return {
    network,
    send: (bytes) =>
      new Promise((resolve) => {
        if (isClosed) resolve('the socket is closed');
        else socket.send(bytes, port, group, (error) => resolve(error?.message));
      }),
    close() {
      if (isClosed) return;
      isClosed = true;
      socket.close();
    },
  };
}

function bind(socket: Socket, port: number): Promise<void> {
  return new Promise((resolve, reject) => {
    socket.once('error', reject);
    // On all addresses: a socket on one does not hear what is sent to a group.
    socket.bind(port, () => {
      socket.off('error', reject);
      resolve();
    });
  });
}
