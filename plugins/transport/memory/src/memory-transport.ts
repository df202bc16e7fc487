import type { Transport, TransportAvailability } from '@shoal/core';

/** Host half: always there, for members of one process. */
export class MemoryTransport implements Transport {
  readonly name = 'memory';
  /** Nothing is nearer. */
  readonly preference = 30;
  readonly reach = 'process';

  async availability(): Promise<TransportAvailability> {
    return { available: true };
  }
}
