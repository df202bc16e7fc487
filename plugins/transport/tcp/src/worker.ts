import { type PluginWorkerModule, specVersions } from '@shoal/core';
import { FabricTransportWorker } from './fabric.js';
import type { TcpOptions } from './options.js';

const plugin: PluginWorkerModule<'transport', TcpOptions> = {
  kind: 'transport',
  name: 'tcp',
  specVersion: specVersions.transport,
  create: (options) => new FabricTransportWorker('tcp', options),
};

export default plugin;
