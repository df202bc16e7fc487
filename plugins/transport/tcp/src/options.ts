import type { OptionsSchema } from '@shoal/core';

export interface TcpOptions {
  /**
   * `auto`: a Unix socket for members on the same machine where the system has them, and TCP, with TLS on every address
   * that is not loopback. The others force one way, for measurements.
   */
  readonly kind: 'auto' | 'unix' | 'tcp' | 'tls';
  /** IP address to listen on; absent: the node's own setting, which is loopback unless it is changed. */
  readonly bindAddress?: string;
  /** IP addresses to tell the peers instead of the bound one; needed where that is 0.0.0.0 or ::. */
  readonly advertiseAddresses?: readonly string[];
  /** Folder for Unix sockets; absent: the system's folder for temporary files. */
  readonly socketDirectory?: string;
}

export const tcpOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    kind: { enum: ['auto', 'unix', 'tcp', 'tls'], default: 'auto' },
    bindAddress: { type: 'string', minLength: 1 },
    advertiseAddresses: { type: 'array', items: { type: 'string', minLength: 1 } },
    socketDirectory: { type: 'string', minLength: 1 },
  },
  additionalProperties: false,
};
