import { AsyncQueue } from '../control/async-queue.js';
import type { ClusterEvent } from '../spec/events.js';

/** Gives each observer its own stream of the node's events. */
export class EventHub {
  private readonly queues = new Set<AsyncQueue<ClusterEvent>>();

  readonly emit = (event: ClusterEvent): void => {
    for (const queue of this.queues) queue.push(event);
  };

  /** Events from the call on, until the signal aborts or the hub closes; then the iterable ends. */
  watch(signal: AbortSignal): AsyncIterable<ClusterEvent> {
    const queue = new AsyncQueue<ClusterEvent>();
    const stop = () => {
      this.queues.delete(queue);
      queue.complete();
    };
    if (signal.aborted) queue.complete();
    else {
      this.queues.add(queue);
      signal.addEventListener('abort', stop, { once: true });
    }
    return queue;
  }

  close(): void {
    for (const queue of this.queues) queue.complete();
    this.queues.clear();
  }
}
