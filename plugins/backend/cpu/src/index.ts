import { importOptional, type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { CpuBackend } from './cpu-backend.js';
import { type CpuOptions, cpuOptionsSchema } from './options.js';

export type { CpuOptions } from './options.js';

/** Computes on the processor with ggml's kernels: `createCluster([cpu(), …])`. */
export function cpu(options: CpuOptions = {}): PluginReference {
  return { module: '@shoal/backend-cpu', options: { ...options } };
}

const plugin: PluginModule<'backend', CpuOptions> = {
  kind: 'backend',
  name: 'cpu',
  specVersion: specVersions.backend,
  optionsSchema: cpuOptionsSchema,
  workerModule: import.meta.resolve('./worker.js'),
  create: async (options) => new CpuBackend(options, await importOptional(() => import('@shoal/engine-node'))),
};

export default plugin;
