import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { llamaStrategy } from './llama.js';

const plugin: PluginWorkerModule<'sharding', Record<string, never>> = {
  kind: 'sharding',
  name: 'llama',
  specVersion: specVersions.sharding,
  create: () => llamaStrategy(),
};

export default plugin;
