/** What consensus needs of the world. All of it is handed in, so that a whole cluster runs from a seed in one process. */
import type { ConsensusMessage } from './messages.js';

export interface Clock {
  /** Milliseconds from any beginning; never goes backwards. */
  now(): number;
  /** Runs once, after a while; the answer cancels it. */
  schedule(milliseconds: number, run: () => void): () => void;
}

export interface Random {
  /** A number in [0, 1). */
  next(): number;
}

/** Messages to nodes that are connected to this one. They may be lost, doubled and overtake each other. */
export interface Bus {
  /** Ids of the nodes that are connected now. */
  neighbours(): readonly string[];
  send(nodeId: string, message: ConsensusMessage): void;
}

export const systemClock: Clock = {
  now: () => performance.now(),
  schedule(milliseconds, run) {
    const timer = setTimeout(run, milliseconds);
    // Agreement alone keeps no process alive.
    timer.unref();
    return () => clearTimeout(timer);
  },
};

export const systemRandom: Random = { next: () => Math.random() };

/** An id of 16 hexadecimal digits. */
export function randomId(random: Random): string {
  const part = () =>
    Math.floor(random.next() * 2 ** 32)
      .toString(16)
      .padStart(8, '0');
  return part() + part();
}
