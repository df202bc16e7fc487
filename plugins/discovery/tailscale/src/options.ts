import type { OptionsSchema } from '@shoal/core';

export interface TailscaleOptions {
  /** TCP port on which the nodes of the cluster listen: all on the same one. */
  readonly port: number;
  /** Time between two questions to the daemon. */
  readonly intervalSeconds: number;
  /** Where the daemon's local API listens, if not at the usual place: path of a Unix socket, name of a pipe. */
  readonly socket?: string;
}

export const tailscaleOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    port: { type: 'integer', minimum: 1, maximum: 65_535, default: 4001 },
    intervalSeconds: { type: 'number', minimum: 0.1, maximum: 3600, default: 15 },
    socket: { type: 'string', minLength: 1 },
  },
  additionalProperties: false,
};
