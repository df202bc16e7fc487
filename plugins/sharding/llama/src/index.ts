import { type PluginModule, specVersions } from '@shoal/core';
import { llama } from './llama.js';

export { llama };

const plugin: PluginModule<'sharding', Record<string, never>> = {
  kind: 'sharding',
  name: 'llama',
  specVersion: specVersions.sharding,
  create: () => llama(),
  // Members build their programs themselves, in their workers.
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
