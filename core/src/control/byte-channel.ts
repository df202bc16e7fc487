/**
 * A reliable, ordered, two-way stream of bytes: what the control protocol needs of a connection, whether it is a
 * libp2p stream or a socket of this machine.
 */
import type { Socket } from 'node:net';
import type { Connection, Stream } from '@libp2p/interface';
import { ShoalError } from '../spec/errors.js';

export interface ByteReceiver {
  bytes(chunk: Uint8Array): void;
  /** Called once, however the channel ends. */
  closed(error?: Error): void;
}

export interface ByteChannel {
  /** Who is at the other end, for messages. */
  readonly remote: string;
  /** Queues bytes; never blocks, never throws. */
  send(bytes: Uint8Array): void;
  /** Bytes queued and not yet taken by the system. */
  readonly queuedByteCount: number;
  /** Resolves when the queue is small again or the channel has ended. */
  drained(): Promise<void>;
  /** Starts delivery. Called once. */
  start(receiver: ByteReceiver): void;
  /** Ends the channel after what is queued was sent. */
  close(): void;
  /** Ends the channel at once. */
  abort(error: Error): void;
}

/** A channel over a TCP or Unix socket (or a Windows named pipe). */
export function socketChannel(socket: Socket, remote: string): ByteChannel {
  let ended = socket.destroyed;
  let waiting: (() => void)[] = [];
  const wake = () => {
    const awake = waiting;
    waiting = [];
    for (const resolve of awake) resolve();
  };
  let failure: Error | undefined;
  // From the beginning: an error that nobody listens to would end the process.
  socket.on('error', (error) => {
    failure = error;
  });
  socket.setNoDelay(true);
  return {
    remote,
    send(bytes) {
      if (!ended) socket.write(bytes);
    },
    get queuedByteCount() {
      return socket.writableLength;
    },
    drained() {
      if (ended || !socket.writableNeedDrain) return Promise.resolve();
      return new Promise((resolve) => waiting.push(resolve));
    },
    start(receiver) {
      socket.on('data', (chunk: Buffer) => receiver.bytes(chunk));
      socket.on('drain', wake);
      socket.on('end', () => socket.end());
      socket.on('close', () => {
        ended = true;
        wake();
        receiver.closed(failure);
      });
    },
    close() {
      socket.end();
    },
    abort(error) {
      socket.destroy(error);
    },
  };
}

/** A channel over a libp2p stream, which has its connection for itself. */
export function libp2pChannel(stream: Stream, connection: Connection): ByteChannel {
  const remote = connection.remoteAddr.toString();
  let ended = false;
  // The stream stays open for as long as the peers know each other; the connection's own pings watch it.
  stream.inactivityTimeout = 0x7fff_ffff;
  announceWindowRarely(stream);
  return {
    remote,
    send(bytes) {
      if (ended || stream.writeStatus !== 'writable') return;
      try {
        stream.send(bytes);
      } catch (thrown) {
        stream.abort(thrown instanceof Error ? thrown : new Error(String(thrown)));
      }
    },
    get queuedByteCount() {
      return stream.writeBufferLength;
    },
    async drained() {
      if (ended || !stream.writableNeedsDrain) return;
      // A rejection means that the stream ended, which `closed` reports.
      await stream.onDrain({ signal: AbortSignal.timeout(30_000) }).catch(() => undefined);
    },
    start(receiver) {
      const finish = (error?: Error) => {
        if (ended) return;
        ended = true;
        receiver.closed(error);
      };
      stream.addEventListener('message', (event) => receiver.bytes(event.data.subarray()));
      stream.addEventListener('close', (event) => finish(event.error));
      stream.addEventListener('remoteCloseWrite', () => {
        // Half-open streams have no use here: a peer that stops talking has left.
        void stream.close().catch(() => undefined);
        finish();
      });
      if (stream.status !== 'open') finish();
    },
    close() {
      void stream.close({ signal: AbortSignal.timeout(2000) }).catch(() => undefined);
    },
    abort(error) {
      stream.abort(error);
      // A connection that is given up must not be taken for a way to the peer later.
      connection.abort(error);
    },
  };
}

/** What the library's stream has beside its interface, in this version. */
interface WindowedStream {
  sendWindowUpdate(): void;
  readonly recvWindow: number;
  readonly recvWindowCapacity: number;
}

/** The first updates also say that the stream is open. */
const openingUpdates = 4;

/**
 * The library's Yamux answers every message with an update of its window: half of the frames between idle nodes. As other
 * implementations do, this one waits until half of the window is used.
 */
function announceWindowRarely(stream: Stream): void {
  const windowed = stream as unknown as Partial<WindowedStream>;
  const update = windowed.sendWindowUpdate;
  if (update === undefined || windowed.recvWindow === undefined || windowed.recvWindowCapacity === undefined) return;
  let updates = 0;
  windowed.sendWindowUpdate = function (this: WindowedStream) {
    if (updates >= openingUpdates && this.recvWindowCapacity > this.recvWindow / 2) return;
    updates += 1;
    update.call(this);
  };
}

/** Two channels in one process whose bytes cross; the reference implementation, used in tests. */
export function memoryChannelPair(): [ByteChannel, ByteChannel] {
  const receivers: (ByteReceiver | undefined)[] = [undefined, undefined];
  const pending: Uint8Array[][] = [[], []];
  let ended = false;
  const end = (error?: Error) => {
    if (ended) return;
    ended = true;
    queueMicrotask(() => {
      for (const receiver of receivers) receiver?.closed(error);
    });
  };
  const side = (self: 0 | 1): ByteChannel => {
    const other = self === 0 ? 1 : 0;
    return {
      remote: 'memory',
      send(bytes) {
        if (ended) return;
        const copy = bytes.slice();
        queueMicrotask(() => {
          const receiver = receivers[other];
          if (receiver) receiver.bytes(copy);
          else pending[other]?.push(copy);
        });
      },
      queuedByteCount: 0,
      drained: () => Promise.resolve(),
      start(receiver) {
        receivers[self] = receiver;
        for (const chunk of pending[self]?.splice(0) ?? []) receiver.bytes(chunk);
      },
      close: () => end(),
      abort: (error) => end(error),
    };
  };
  return [side(0), side(1)];
}

/** The error of a channel that ended, for everybody who waited on it. */
export function channelEndedError(remote: string, cause?: Error): ShoalError {
  if (ShoalError.is(cause)) return cause;
  const why = cause ? `: ${cause.message}` : '';
  return new ShoalError('NODE_LOST', `the connection to ${remote} ended${why}`, { cause, details: { node: remote } });
}
