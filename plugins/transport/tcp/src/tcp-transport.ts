import { importOptional, type Transport, type TransportAvailability } from '@shoal/core';

/** Host half: the fabric is native, so that it is there when the addon is. */
export class TcpTransport implements Transport {
  readonly name = 'tcp';
  /** Below transports that need special hardware. */
  readonly preference = 10;
  readonly reach = 'network';

  async availability(): Promise<TransportAvailability> {
    const addon = await importOptional(() => import('@shoal/engine-node'));
    if ('module' in addon) return { available: true };
    return { available: false, reason: addon.unavailable, remedy: 'Run `npm run build:native`.' };
  }
}
