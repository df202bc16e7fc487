/** Responses that nobody waits for: they are made to their end, and their events are kept for who reads them later. */
import type { NumberedEvent, ResponseRun } from './run.js';

export class BackgroundRun {
  private readonly events: NumberedEvent[] = [];
  private readonly waiting = new Set<() => void>();
  private hasEnded = false;

  /** `abort` ends the generation; `onEnd` hears how many bytes the events take, when nothing more comes. */
  constructor(
    private readonly response: ResponseRun,
    /** Whether the events are kept. */
    readonly isStreamed: boolean,
    private readonly abort: () => void,
    onEnd: (bytes: number) => void,
  ) {
    void this.make().finally(() => onEnd(isStreamed ? JSON.stringify(this.events).length : 0));
  }

  /** Resolves when it has ended. */
  async cancel(): Promise<void> {
    this.abort();
    while (!this.hasEnded) await this.more();
  }

  /** Events from one on, those that have not come yet, too. */
  async *read(from: number, signal: AbortSignal): AsyncGenerator<NumberedEvent, void, undefined> {
    for (let next = from; !signal.aborted; next += 1) {
      while (next >= this.events.length) {
        if (this.hasEnded) return;
        await this.more(signal);
        if (signal.aborted) return;
      }
      yield this.events[next] as NumberedEvent;
    }
  }

  private async make(): Promise<void> {
    try {
      for await (const event of this.response.events()) {
        if (!this.isStreamed) continue;
        this.events.push(event);
        this.wake();
      }
    } finally {
      this.hasEnded = true;
      this.wake();
    }
  }

  private wake(): void {
    for (const resolve of this.waiting) resolve();
    this.waiting.clear();
  }

  private more(signal?: AbortSignal): Promise<void> {
    return new Promise((resolve) => {
      const done = () => {
        signal?.removeEventListener('abort', done);
        this.waiting.delete(done);
        resolve();
      };
      this.waiting.add(done);
      signal?.addEventListener('abort', done, { once: true });
    });
  }
}
