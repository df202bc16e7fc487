import { type PluginModule, specVersions } from '@shoal/core';
import { LineApi, type LineApiOptions } from './line-api.js';

export { ask, type Question } from './client.js';
export { LineApi, type LineApiOptions } from './line-api.js';

/** What plugins.json loads in the node's process. */
const plugin: PluginModule<'api', LineApiOptions> = {
  kind: 'api',
  name: 'example',
  specVersion: specVersions.api,
  optionsSchema: {
    type: 'object',
    properties: { port: { type: 'integer', minimum: 0, maximum: 65_535, default: 7333 } },
    additionalProperties: false,
  },
  create: (options) => new LineApi(options),
};

export default plugin;
