/** Frames on a socket: kind, tag and length, then the bytes. */
import type { Socket } from 'node:net';

export const kinds = { message: 0, leave: 1, abort: 2 } as const;

const headerBytes = 13;

/** Whatever a peer says of a length, no more is read into memory. */
export const largestMessageBytes = 256 * 1024 * 1024;

export interface Frame {
  readonly kind: number;
  readonly tag: bigint;
  readonly bytes: Uint8Array;
}

/** Resolves when the operating system has taken the frame. */
export function writeFrame(socket: Socket, { kind, tag, bytes }: Frame): Promise<void> {
  const header = Buffer.alloc(headerBytes);
  header.writeUInt8(kind, 0);
  header.writeBigUInt64LE(tag, 1);
  header.writeUInt32LE(bytes.length, 9);
  return new Promise((resolve, reject) => {
    socket.cork();
    socket.write(header);
    socket.write(bytes, (error) => (error ? reject(error) : resolve()));
    socket.uncork();
  });
}

/** Undefined when the stream ended; throws for a frame that is too long. */
export async function readFrame(reader: ByteReader): Promise<Frame | undefined> {
  const header = await reader.read(headerBytes);
  if (!header) return undefined;
  const length = header.readUInt32LE(9);
  if (length > largestMessageBytes) throw new Error(`a frame of ${length} bytes`);
  const bytes = await reader.read(length);
  return bytes && { kind: header.readUInt8(0), tag: header.readBigUInt64LE(1), bytes };
}

/** A stream of bytes by numbers of bytes. No more is taken from the socket than is asked for, save a chunk. */
export class ByteReader {
  private readonly source: AsyncIterator<Buffer>;
  private chunks: Buffer[] = [];
  private available = 0;

  constructor(socket: Socket) {
    this.source = socket[Symbol.asyncIterator]() as AsyncIterator<Buffer>;
  }

  /** The next `length` bytes; undefined when the stream ends before, however it ends. */
  async read(length: number): Promise<Buffer | undefined> {
    while (this.available < length) {
      const next = await this.source.next().catch(() => undefined);
      if (!next || next.done) return undefined;
      this.chunks.push(next.value);
      this.available += next.value.length;
    }
    const all = Buffer.concat(this.chunks);
    this.chunks = [all.subarray(length)];
    this.available = all.length - length;
    return all.subarray(0, length);
  }
}

/** A socket with what reads it, from the handshake to the end. */
export interface Connection {
  readonly socket: Socket;
  readonly reader: ByteReader;
}
