/** Time that passes only when everything due has happened. */
import type { Clock } from '../consensus/environment.js';

interface Due {
  readonly at: number;
  /** Of what is due at once, the first scheduled comes first. */
  readonly number: number;
  run: (() => void) | undefined;
}

export class VirtualTime {
  private readonly heap: Due[] = [];
  private scheduled = 0;
  private time = 0;

  now(): number {
    return this.time;
  }

  schedule(milliseconds: number, run: () => void): () => void {
    const due: Due = { at: this.time + Math.max(0, milliseconds), number: this.scheduled++, run };
    this.push(due);
    return () => {
      due.run = undefined;
    };
  }

  /** Lets time pass up to `end`. */
  runUntil(end: number): void {
    for (let next = this.heap[0]; next && next.at <= end; next = this.heap[0]) {
      this.pop();
      this.time = next.at;
      next.run?.();
    }
    this.time = Math.max(this.time, end);
  }

  /** A machine's own clock: it started at another moment and runs a little faster or slower. */
  machineClock(offset: number, rate: number): Clock {
    return {
      now: () => offset + this.time * rate,
      schedule: (milliseconds, run) => this.schedule(milliseconds / rate, run),
    };
  }

  private push(due: Due): void {
    const { heap } = this;
    let index = heap.push(due) - 1;
    while (index > 0) {
      const parent = (index - 1) >> 1;
      if (isBefore(heap[parent] as Due, due)) break;
      heap[index] = heap[parent] as Due;
      index = parent;
    }
    heap[index] = due;
  }

  private pop(): void {
    const { heap } = this;
    const last = heap.pop();
    if (!last || heap.length === 0) return;
    let index = 0;
    for (;;) {
      let child = 2 * index + 1;
      if (child >= heap.length) break;
      if (child + 1 < heap.length && isBefore(heap[child + 1] as Due, heap[child] as Due)) child++;
      if (isBefore(last, heap[child] as Due)) break;
      heap[index] = heap[child] as Due;
      index = child;
    }
    heap[index] = last;
  }
}

function isBefore(left: Due, right: Due): boolean {
  return left.at < right.at || (left.at === right.at && left.number < right.number);
}
