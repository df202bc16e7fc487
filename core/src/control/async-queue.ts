/** An async iterable that others push into: what has arrived and was not read yet. Bounded. */
import { ShoalError } from '../spec/errors.js';

/** Most unread items; a longest generation's tokens fit. */
const maximumUnread = 1 << 20;

export class AsyncQueue<Item> implements AsyncIterable<Item> {
  private items: Item[] = [];
  private failure: ShoalError | undefined;
  private completed = false;
  private endedByPeer = false;
  private wake: (() => void) | undefined;

  /** Whether the writing end said by itself that no more will come. */
  get isEndedByPeer(): boolean {
    return this.endedByPeer;
  }

  /** False when the queue is over its limit; it has failed then. */
  push(item: Item): boolean {
    if (this.completed || this.failure) return true;
    if (this.items.length >= maximumUnread) {
      this.fail(new ShoalError('REQUEST_QUEUE_FULL', 'what arrives is not read'));
      return false;
    }
    this.items.push(item);
    this.awaken();
    return true;
  }

  complete(): void {
    this.completed = true;
    this.endedByPeer = true;
    this.awaken();
  }

  /** Items pushed before are still delivered, unless the caller itself gave up. */
  fail(error: ShoalError, options: { byPeer?: boolean } = {}): void {
    if (this.failure || this.completed) return;
    this.failure = error;
    if (options.byPeer) this.endedByPeer = true;
    if (error.code === 'ABORTED') this.items = [];
    this.awaken();
  }

  async *[Symbol.asyncIterator](): AsyncGenerator<Item, void, undefined> {
    for (;;) {
      for (let item = this.items.shift(); item !== undefined; item = this.items.shift()) yield item;
      if (this.failure) throw this.failure;
      if (this.completed) return;
      await new Promise<void>((resolve) => {
        this.wake = resolve;
      });
    }
  }

  private awaken(): void {
    const wake = this.wake;
    this.wake = undefined;
    wake?.();
  }
}
