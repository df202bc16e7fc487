import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { NativeEngine } from './native-engine.js';

/** Runs shards on native threads: `createCluster([nativeEngine(), …])`. */
export function nativeEngine(): PluginReference {
  return { module: '@shoal/engine-native' };
}

const plugin: PluginModule<'engine'> = {
  kind: 'engine',
  name: 'native',
  specVersion: specVersions.engine,
  workerModule: import.meta.resolve('./worker.js'),
  create: () => new NativeEngine(),
};

export default plugin;
