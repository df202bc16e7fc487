import { type PluginWorkerModule, specVersions, type TransportWorker } from '@shoal/core';
import { FabricTransportWorker } from '@shoal/transport-tcp/fabric';
import type { UnixOptions } from './options.js';

/** Windows has Unix sockets, but not for the runtimes that load this: loopback TCP is the counterpart there. */
const kind = process.platform === 'win32' ? 'tcp' : 'unix';

function createWorker(options: UnixOptions): TransportWorker {
  // Nothing but this machine is to be reached, wherever the node itself listens.
  return new FabricTransportWorker('unix', { ...options, kind, bindAddress: '127.0.0.1' });
}

const plugin: PluginWorkerModule<'transport', UnixOptions> = {
  kind: 'transport',
  name: 'unix',
  specVersion: specVersions.transport,
  create: createWorker,
};

export default plugin;
