import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { type TcpOptions, tcpOptionsSchema } from './options.js';
import { TcpTransport } from './tcp-transport.js';

export type { TcpOptions } from './options.js';

/**
 * Carries activations over Unix sockets and loopback on one machine and over TCP with TLS 1.3 between machines:
 * `createCluster([tcp(), …])`.
 */
export function tcp(options: Partial<TcpOptions> = {}): PluginReference {
  return { module: '@shoal/transport-tcp', options: { ...options } };
}

const plugin: PluginModule<'transport', TcpOptions> = {
  kind: 'transport',
  name: 'tcp',
  specVersion: specVersions.transport,
  optionsSchema: tcpOptionsSchema,
  workerModule: import.meta.resolve('./worker.js'),
  create: () => new TcpTransport(),
};

export default plugin;
