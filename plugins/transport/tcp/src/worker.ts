import { type PluginWorkerModule, specVersions } from '@shoal/core';
import type { TcpOptions } from './options.js';
import { TcpTransportWorker } from './tcp-worker.js';

const plugin: PluginWorkerModule<'transport', TcpOptions> = {
  kind: 'transport',
  name: 'tcp',
  specVersion: specVersions.transport,
  create: (options) => new TcpTransportWorker(options),
};

export default plugin;
