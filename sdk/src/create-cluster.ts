import {
  type LogRecord,
  NodeLog,
  type NodeOptions,
  type PluginSource,
  parseClusterKey,
  requireCapabilities,
  startNode,
} from '@shoal/core';
import { Cluster } from './cluster.js';
import { type PluginSelection, selectPlugins } from './cluster-plugins.js';
import { modelLibraries } from './shipped.js';

/** Everything has a default; `createCluster()` makes this process a node of the home's cluster. */
export interface ClusterOptions extends PluginSelection, Omit<NodeOptions, 'plugins' | 'clusterKey' | 'log'> {
  /** 32 bytes, or 64 hex digits; default: the home's `cluster.key`, which is made when it is not there. */
  readonly clusterKey?: Uint8Array | string | undefined;
  /** Hears everything that the node writes down, of all levels. `Cluster.logs` reads it later. */
  readonly onLog?: ((record: LogRecord) => void) | undefined;
}

/**
 * Makes this process a node of a cluster:
 *
 * ```ts
 * await using cluster = await createCluster();
 * const model = await cluster.load('shoal-tiny-chat');
 * for await (const { text } of model.chat([{ role: 'user', content: 'What is 12 plus 30?' }])) process.stdout.write(text);
 * ```
 *
 * Plugins come from `plugins.json`, or as a list. Rejects with PLUGIN_*, NODE_ALREADY_RUNNING, ARGUMENT_INVALID.
 */
export async function createCluster(
  pluginsOrOptions: readonly PluginSource[] | ClusterOptions = {},
  more: ClusterOptions = {},
): Promise<Cluster> {
  const options: ClusterOptions = isPluginList(pluginsOrOptions)
    ? { ...more, plugins: pluginsOrOptions }
    : { ...pluginsOrOptions, ...more };
  const log = new NodeLog({ sink: options.onLog });
  const plugins = await selectPlugins({
    ...options,
    log: (level, message, fields) => {
      log.write(level, 'plugin', message, fields);
      options.log?.(level, message, fields);
    },
  });
  if (options.devices === false) requireCapabilities(plugins, [{ kind: 'sharding', purpose: 'plan a model' }]);
  else requireCapabilities(plugins);
  const { clusterKey, apis = serves(options) ? {} : false } = options;
  const node = await startNode({
    ...options,
    plugins,
    log,
    apis,
    clusterKey: typeof clusterKey === 'string' ? parseClusterKey(clusterKey, 'clusterKey') : clusterKey,
    modelLibraries: [...(options.modelLibraries ?? []), ...modelLibraries()],
  });
  return new Cluster({
    service: node.service,
    nodeName: node.name,
    home: node.home,
    addresses: () => node.addresses,
    apis: node.apis,
    close: () => node.close(),
  });
}

/** An API in a list of plugins was meant; the shipped list has one for nodes that others may find. */
function serves({ identity, plugins }: ClusterOptions): boolean {
  return identity === 'lasting' || plugins !== undefined;
}

function isPluginList(value: readonly PluginSource[] | ClusterOptions): value is readonly PluginSource[] {
  return Array.isArray(value);
}
