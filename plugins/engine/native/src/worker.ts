import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { NativeEngineWorker } from './native-engine-worker.js';

const plugin: PluginWorkerModule<'engine'> = {
  kind: 'engine',
  name: 'native',
  specVersion: specVersions.engine,
  create: () => new NativeEngineWorker(),
};

export default plugin;
