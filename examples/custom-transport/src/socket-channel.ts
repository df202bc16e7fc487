/** A channel over one socket. */
import type { Socket } from 'node:net';
import { type ChannelReceiver, type MemberAddress, type ScriptChannel, ShoalError } from '@shoal/core';
import { type ByteReader, type Connection, kinds, largestMessageBytes, readFrame, writeFrame } from './frames.js';
import { nameOf } from './handshake.js';

const nothing = new Uint8Array(0);
const leaveGraceMilliseconds = 500;

export class SocketChannel implements ScriptChannel {
  readonly kind = 'script';
  readonly largestMessageBytes = largestMessageBytes;
  private readonly socket: Socket;
  private readonly reader: ByteReader;
  private end: ShoalError | undefined;
  private receiver: ChannelReceiver | undefined;

  /** The handshake is over. Nothing is read before `open`: what comes until then waits in the socket. */
  constructor(
    { socket, reader }: Connection,
    readonly peer: MemberAddress,
  ) {
    this.socket = socket;
    this.reader = reader;
    socket.setNoDelay(true);
  }

  open(receiver: ChannelReceiver): void {
    this.receiver = receiver;
    if (this.end) receiver.end(this.end);
    else void this.read(receiver);
  }

  async send(tag: bigint, bytes: Uint8Array): Promise<void> {
    if (this.end) throw this.end;
    await writeFrame(this.socket, { kind: kinds.message, tag, bytes });
  }

  abort(reason: Error): void {
    const bytes = new TextEncoder().encode(reason.message);
    this.finish(new ShoalError('TRANSPORT_ABORTED', reason.message));
    void this.sayLast(kinds.abort, bytes);
  }

  /** A clean leave: resolves when the peer has been told, or cannot be. */
  async close(): Promise<void> {
    const isFirst = this.end === undefined;
    this.finish(new ShoalError('TRANSPORT_CLOSED', 'the channel was closed here'));
    if (isFirst) await this.sayLast(kinds.leave, nothing);
    this.socket.destroy();
  }

  private async read(receiver: ChannelReceiver): Promise<void> {
    const who = nameOf(this.peer);
    let end = new ShoalError('TRANSPORT_PEER_LOST', `the connection to ${who} broke`);
    try {
      for (let frame = await readFrame(this.reader); frame; frame = await readFrame(this.reader)) {
        if (frame.kind === kinds.message) {
          receiver.message(frame.tag, frame.bytes);
          continue;
        }
        const isLeave = frame.kind === kinds.leave;
        end = isLeave
          ? new ShoalError('TRANSPORT_CLOSED', `${who} left`)
          : new ShoalError('TRANSPORT_ABORTED', `${who} gave up: ${new TextDecoder().decode(frame.bytes)}`);
        break;
      }
    } catch (thrown) {
      end = new ShoalError('TRANSPORT_PROTOCOL', `${who} sent ${thrown instanceof Error ? thrown.message : 'rubbish'}`);
    }
    this.finish(end);
    // What is still to be written goes out first.
    this.socket.destroySoon();
  }

  private finish(end: ShoalError): void {
    if (this.end) return;
    this.end = end;
    this.receiver?.end(end);
  }

  /** The last frame, then the end of the stream; a peer that does not read costs a moment. */
  private sayLast(kind: number, bytes: Uint8Array): Promise<void> {
    return new Promise((resolve) => {
      const timer = setTimeout(done, leaveGraceMilliseconds);
      const { socket } = this;
      function done() {
        clearTimeout(timer);
        socket.destroy();
        resolve();
      }
      writeFrame(socket, { kind, tag: 0n, bytes }).catch(done);
      // The other side answers the end of the stream with its own.
      socket.once('close', done);
      socket.end();
    });
  }
}
