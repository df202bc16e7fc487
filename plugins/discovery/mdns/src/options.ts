import type { OptionsSchema } from '@shoal/core';

export interface MdnsOptions {
  /** UDP port; anything but 5353 hears only nodes that are set likewise. */
  readonly port: number;
  /** Time between questions to the network. */
  readonly intervalSeconds: number;
}

export const mdnsOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    port: { type: 'integer', minimum: 1, maximum: 65_535, default: 5353 },
    intervalSeconds: { type: 'number', minimum: 0.1, maximum: 3600, default: 10 },
  },
  additionalProperties: false,
};
