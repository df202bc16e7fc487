import type { Transport, TransportAvailability } from '@shoal/core';
import { fabricAvailability } from '@shoal/transport-tcp/fabric';

/** Host half. */
export class UnixTransport implements Transport {
  readonly name = 'unix';
  /** Above transports that also reach other machines. */
  readonly preference = 20;
  readonly reach = 'machine';

  availability(): Promise<TransportAvailability> {
    return fabricAvailability();
  }
}
