import type { OptionsSchema } from '@shoal/core';

export interface UnixOptions {
  /** Folder of the sockets; absent: the system's folder for temporary files. */
  readonly socketDirectory?: string;
}

export const unixOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: { socketDirectory: { type: 'string', minLength: 1 } },
  additionalProperties: false,
};
