import { type ChannelReceiver, type MemberAddress, type ScriptChannel, ShoalError } from '@shoal/core';

interface Message {
  readonly tag: bigint;
  readonly bytes: Uint8Array;
}

/** One end of a line between two members of this process. */
export class MemoryChannel implements ScriptChannel {
  readonly kind = 'script';
  readonly peer: MemberAddress;
  readonly largestMessageBytes = 256 * 1024 * 1024;
  readonly #self: MemberAddress;
  /** Messages that came before the channel was opened. */
  readonly #early: Message[] = [];
  /** Set by `pair`, before anybody has the channel. */
  #other!: MemoryChannel;
  #receiver: ChannelReceiver | undefined;
  #end: ShoalError | undefined;

  /** Both ends of a line, each with the other member as its peer. */
  static pair(first: MemberAddress, second: MemberAddress): readonly [MemoryChannel, MemoryChannel] {
    const ends = [new MemoryChannel(first, second), new MemoryChannel(second, first)] as const;
    ends[0].#other = ends[1];
    ends[1].#other = ends[0];
    return ends;
  }

  private constructor(self: MemberAddress, peer: MemberAddress) {
    this.#self = self;
    this.peer = peer;
  }

  open(receiver: ChannelReceiver): void {
    this.#receiver = receiver;
    for (const { tag, bytes } of this.#early.splice(0)) receiver.message(tag, bytes);
    if (this.#end) receiver.end(this.#end);
  }

  async send(tag: bigint, bytes: Uint8Array): Promise<void> {
    if (this.#end) throw this.#end;
    const other = this.#other;
    other.#receive({ tag, bytes });
  }

  abort(reason: Error): void {
    const { stage, member } = this.#self;
    this.#finish(new ShoalError('TRANSPORT_ABORTED', reason.message));
    this.#other.#finish(
      new ShoalError('TRANSPORT_ABORTED', `stage ${stage} member ${member} gave up: ${reason.message}`),
    );
  }

  /** A clean leave. */
  close(): void {
    const { stage, member } = this.#self;
    this.#finish(new ShoalError('TRANSPORT_CLOSED', 'the channel was closed here'));
    this.#other.#finish(new ShoalError('TRANSPORT_CLOSED', `stage ${stage} member ${member} left`));
  }

  #receive(message: Message): void {
    if (this.#receiver) this.#receiver.message(message.tag, message.bytes);
    else this.#early.push(message);
  }

  #finish(end: ShoalError): void {
    if (this.#end) return;
    this.#end = end;
    this.#receiver?.end(end);
  }
}
