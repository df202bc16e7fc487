import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { llama } from './llama.js';

const plugin: PluginWorkerModule<'sharding', Record<string, never>> = {
  kind: 'sharding',
  name: 'llama',
  specVersion: specVersions.sharding,
  create: () => llama(),
};

export default plugin;
