/** Tries broadcast on every network: what is sent there comes back to the sender, as to everybody, unless it is blocked. */
import { randomBytes } from 'node:crypto';
import { createSocket, type Socket } from 'node:dgram';
import { once } from 'node:events';
import { decodeDatagram, encodeDatagram } from './datagram.js';

export interface ProbeResult {
  /** The network's broadcast address. */
  readonly address: string;
  /** Why nothing came back; undefined when it did. */
  readonly problem: string | undefined;
}

const attempts = 5;
const attemptMilliseconds = 300;

/** Throws what the system says when the port is not to be had. */
export async function probeBroadcast(targets: readonly string[], port: number): Promise<ProbeResult[]> {
  const socket = createSocket({ type: 'udp4', reuseAddr: true });
  try {
    socket.bind(port);
    await once(socket, 'listening');
    socket.setBroadcast(true);
    // Of no cluster, so that nodes pass it over.
    const sent = targets.map((address) => ({ address, tag: randomBytes(8).toString('hex') }));
    const missing = new Map(sent.map(({ tag }) => [tag, 'what is sent does not come back']));
    socket.on('error', () => undefined);
    socket.on('message', (bytes) => missing.delete(decodeDatagram(bytes)?.tag ?? ''));
    for (let attempt = 0; attempt < attempts && missing.size > 0; attempt += 1) {
      for (const { address, tag } of sent) {
        const refused = await send(socket, datagram(tag), port, address);
        if (refused !== undefined && missing.has(tag)) missing.set(tag, refused);
      }
      await new Promise((resolve) => setTimeout(resolve, attemptMilliseconds));
      // What arrived while this process did not run is read before anything is made of its absence.
      await new Promise((resolve) => setImmediate(resolve));
    }
    return sent.map(({ address, tag }) => ({ address, problem: missing.get(tag) }));
  } finally {
    socket.close();
  }
}

/** Resolves with what went wrong; undefined when the system took it. */
export function send(socket: Socket, bytes: Uint8Array, port: number, address: string): Promise<string | undefined> {
  return new Promise((resolve) => socket.send(bytes, port, address, (error) => resolve(error?.message)));
}

function datagram(tag: string): Buffer {
  const nobody = '1'.repeat(32);
  return encodeDatagram({ tag, peerId: nobody, addresses: [], leaving: true });
}
