import { type PluginModule, specVersions } from '@shoal/core';
import { exampleTransport } from './transport.js';

export { exampleTransport } from './transport.js';
export { exampleTransportWorker } from './worker-half.js';

/** What plugins.json loads in the node's process. */
const plugin: PluginModule<'transport'> = {
  kind: 'transport',
  name: 'example',
  specVersion: specVersions.transport,
  create: () => exampleTransport(),
  workerModule: import.meta.resolve('./worker.js'),
};

export default plugin;
