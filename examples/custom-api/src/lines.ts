/** Lines of a socket. */
import { once } from 'node:events';
import type { Socket } from 'node:net';

/** Longer than any question. */
const longestLineBytes = 1 << 20;

/** The first line that comes. Rejects when the signal aborts before, or when it is too long. */
export async function readLine(socket: Socket, signal: AbortSignal): Promise<string> {
  const chunks: Buffer[] = [];
  let length = 0;
  for (;;) {
    const [chunk] = (await once(socket, 'data', { signal })) as [Buffer];
    const end = chunk.indexOf('\n');
    chunks.push(end < 0 ? chunk : chunk.subarray(0, end));
    if (end >= 0) return Buffer.concat(chunks).toString();
    length += chunk.length;
    if (length > longestLineBytes) throw new Error(`a line has more than ${longestLineBytes} bytes`);
  }
}
