import type { OptionsSchema } from '@shoal/core';

export interface UdpBroadcastOptions {
  /** UDP port on which all nodes listen. */
  readonly port: number;
  /** Time between two announcements. */
  readonly intervalSeconds: number;
}

export const udpBroadcastOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    port: { type: 'integer', minimum: 1, maximum: 65_535, default: 4002 },
    intervalSeconds: { type: 'number', minimum: 0.1, maximum: 3600, default: 2 },
  },
  additionalProperties: false,
};
