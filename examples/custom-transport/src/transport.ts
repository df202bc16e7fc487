import type { Transport } from '@shoal/core';

/** Host half. */
export function exampleTransport(): Transport {
  return {
    name: 'example',
    preference: 5,
    // Its bytes are not encrypted, and so it stays on one machine.
    reach: 'machine',
    availability: async () => ({ available: true }),
  };
}
