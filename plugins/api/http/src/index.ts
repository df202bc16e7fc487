import { type PluginModule, type PluginReference, specVersions } from '@shoal/core';
import { HttpApi } from './http-api.js';
import { type HttpApiOptions, httpApiOptionsSchema } from './options.js';

export type { HttpApiOptions } from './options.js';

/** Serves the cluster over HTTP: `createCluster([http({ port: 8080 }), …])`. */
export function http(options: Partial<HttpApiOptions> = {}): PluginReference {
  return { module: '@shoal/api-http', options: { ...options } };
}

const plugin: PluginModule<'api', HttpApiOptions> = {
  kind: 'api',
  name: 'http',
  specVersion: specVersions.api,
  optionsSchema: httpApiOptionsSchema,
  create: (options, { log }) => new HttpApi(options, log),
};

export default plugin;
