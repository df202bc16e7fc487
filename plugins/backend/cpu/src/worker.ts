import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { CpuBackendWorker } from './cpu-worker.js';
import type { CpuOptions } from './options.js';

const plugin: PluginWorkerModule<'backend', CpuOptions> = {
  kind: 'backend',
  name: 'cpu',
  specVersion: specVersions.backend,
  create: (options) => new CpuBackendWorker(options),
};

export default plugin;
