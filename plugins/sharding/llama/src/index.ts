import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { llamaStrategy } from './llama.js';

export { llamaStrategy } from './llama.js';

/** Splits Llama and Mistral models: `createCluster([llama(), …])`. */
export function llama(): PluginReference {
  return { module: '@shoal/sharding-llama' };
}

const plugin: PluginModule<'sharding', Record<string, never>> = {
  kind: 'sharding',
  name: 'llama',
  specVersion: specVersions.sharding,
  create: () => llamaStrategy(),
  // Members build their programs themselves, in their workers.
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
