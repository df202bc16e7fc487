/** Reads a socket by counts of bytes. */
import type { Socket } from 'node:net';

interface Waiting {
  readonly count: number;
  readonly resolve: (bytes: Buffer) => void;
  readonly reject: (error: Error) => void;
}

/** One read at a time. What the peer sends beyond what is asked for waits in the socket. */
export class SocketReader {
  private waiting: Waiting | undefined;
  private ended: Error | undefined;

  constructor(private readonly socket: Socket) {
    socket.on('readable', () => this.serve());
    socket.on('error', (error) => this.end(error));
    socket.on('end', () => this.end(new Error('the other side closed the connection')));
    socket.on('close', () => this.end(new Error('the connection was closed')));
  }

  /** Exactly so many bytes. */
  read(count: number): Promise<Buffer> {
    return new Promise((resolve, reject) => {
      this.waiting = { count, resolve, reject };
      this.serve();
      if (this.waiting && this.ended) this.reject(this.ended);
    });
  }

  /** Reads and forgets so many bytes; says how many came, each time some did. */
  async discard(count: number, came: (bytes: number) => void): Promise<void> {
    for (let left = count; left > 0; ) {
      const available = this.socket.readableLength;
      // At least one, so that the wait is for bytes.
      const { length } = await this.read(Math.max(1, Math.min(available, left)));
      left -= length;
      came(length);
    }
  }

  private serve(): void {
    if (!this.waiting) return;
    const bytes = this.socket.read(this.waiting.count) as Buffer | null;
    if (bytes === null) return;
    const { count, resolve } = this.waiting;
    // A socket that has ended gives what is left, and that may be less.
    if (bytes.length < count) {
      this.end(new Error('the other side closed the connection'));
      return;
    }
    this.waiting = undefined;
    resolve(bytes);
  }

  private end(error: Error): void {
    this.ended ??= error;
    // What has arrived is still read.
    this.serve();
    if (this.waiting) this.reject(this.ended);
  }

  private reject(error: Error): void {
    const { waiting } = this;
    this.waiting = undefined;
    waiting?.reject(error);
  }
}
