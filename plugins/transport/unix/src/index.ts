import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { type UnixOptions, unixOptionsSchema } from './options.js';
import { UnixTransport } from './unix-transport.js';

export type { UnixOptions } from './options.js';

/**
 * Carries activations between members of one machine over Unix sockets, on Windows over loopback TCP:
 * `createCluster([unix(), …])`.
 */
export function unix(options: UnixOptions = {}): PluginReference {
  return { module: '@shoal/transport-unix', options: { ...options } };
}

const plugin: PluginModule<'transport', UnixOptions> = {
  kind: 'transport',
  name: 'unix',
  specVersion: specVersions.transport,
  optionsSchema: unixOptionsSchema,
  workerModule: import.meta.resolve('./worker.js'),
  create: () => new UnixTransport(),
};

export default plugin;
