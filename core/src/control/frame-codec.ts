/** Frames of the control protocol: a little-endian u32 length, then one protobuf `Frame`. */
import { ShoalError } from '../spec/errors.js';
import { messages } from './messages.js';

/** Longest frame that is accepted or sent. Plans and facts of a large cluster fit many times over. */
export const maximumFrameBytes = 8 * 1024 * 1024;

const headerBytes = 4;

export function encodeFrame(frame: messages.Frame.$Properties): Uint8Array {
  const body = messages.Frame.encode(frame).finish();
  if (body.length > maximumFrameBytes) {
    throw new ShoalError(
      'REQUEST_INVALID',
      `a control message of ${body.length} bytes is larger than the limit of ${maximumFrameBytes}`,
    );
  }
  const bytes = new Uint8Array(headerBytes + body.length);
  new DataView(bytes.buffer).setUint32(0, body.length, true);
  bytes.set(body, headerBytes);
  return bytes;
}

/**
 * Cuts a byte stream into frames. The length is checked before anything is kept for it, so a hostile peer cannot make
 * the receiver reserve memory.
 */
export class FrameDecoder {
  private chunks: Uint8Array[] = [];
  private buffered = 0;

  /** Takes bytes; returns the frames they complete. Throws TRANSPORT_* when the stream is not of this protocol. */
  push(chunk: Uint8Array): messages.Frame[] {
    this.chunks.push(chunk);
    this.buffered += chunk.length;
    const frames: messages.Frame[] = [];
    for (;;) {
      if (this.buffered < headerBytes) return frames;
      const header = this.peek(headerBytes);
      const length = new DataView(header.buffer, header.byteOffset, headerBytes).getUint32(0, true);
      if (length > maximumFrameBytes) {
        throw new ShoalError(
          'TRANSPORT_FRAME_TOO_LARGE',
          `a control frame of ${length} bytes exceeds the limit of ${maximumFrameBytes}`,
        );
      }
      if (this.buffered < headerBytes + length) return frames;
      const bytes = this.peek(headerBytes + length);
      this.chunks[0] = bytes.subarray(headerBytes + length);
      this.buffered -= headerBytes + length;
      try {
        frames.push(messages.Frame.decode(bytes.subarray(headerBytes, headerBytes + length)));
      } catch (thrown) {
        throw new ShoalError('TRANSPORT_PROTOCOL', 'the peer sent a control frame that cannot be decoded', {
          cause: thrown,
        });
      }
    }
  }

  /** The first chunk, made at least `count` bytes long by joining. */
  private peek(count: number): Uint8Array {
    const first = this.chunks[0];
    if (first && first.length >= count) return first;
    const joined = new Uint8Array(this.buffered);
    let offset = 0;
    for (const chunk of this.chunks) {
      joined.set(chunk, offset);
      offset += chunk.length;
    }
    this.chunks = [joined];
    return joined;
  }
}
