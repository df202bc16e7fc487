import type { Transport, TransportAvailability } from '@shoal/core';
import { fabricAvailability } from './fabric.js';

/** Host half. */
export class TcpTransport implements Transport {
  readonly name = 'tcp';
  /** Below transports that need special hardware. */
  readonly preference = 10;
  readonly reach = 'network';

  availability(): Promise<TransportAvailability> {
    return fabricAvailability();
  }
}
