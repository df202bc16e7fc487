import type { OptionsSchema } from '@shoal/core';

export interface CpuOptions {
  /** Compute threads; absent: as many as this process may use. */
  readonly threads?: number;
  /** Most bytes that shards may take; absent: what is available. */
  readonly memoryLimitBytes?: number;
  /** Folder with ggml's libraries; absent: beside the addon. */
  readonly libraryDirectory?: string;
}

export const cpuOptionsSchema: OptionsSchema = {
  type: 'object',
  properties: {
    threads: { type: 'integer', minimum: 1, maximum: 4096 },
    memoryLimitBytes: { type: 'integer', minimum: 1 },
    libraryDirectory: { type: 'string', minLength: 1 },
  },
  additionalProperties: false,
};
