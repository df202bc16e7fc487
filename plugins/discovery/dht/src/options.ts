import type { OptionsSchema } from '@shoal/core';

export interface DhtOptions {
  /** Multiaddresses of nodes to ask first; nodes that were met in another way serve as well. */
  readonly bootstrap: readonly string[];
  /** Time between two announcements. What was not announced again for two and a half times as long is forgotten. */
  readonly announceSeconds: number;
}

export const dhtOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    bootstrap: {
      type: 'array',
      default: [],
      items: { type: 'string', pattern: '^(/[^/\\s]+)+$' },
      description: 'Multiaddresses of nodes to ask first.',
    },
    announceSeconds: { type: 'number', minimum: 0.1, maximum: 3600, default: 60 },
  },
  additionalProperties: false,
};
