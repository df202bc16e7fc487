import type { PluginKind, PluginKinds, PluginModule } from '../spec/plugin.js';
import type { PluginReference } from './plugin-manifest.js';

/**
 * A plugin given as an object in code instead of by the name of its module. No worker process can load it, so its hot
 * path runs in this process, which `isolation: 'none'` acknowledges: a crash in it takes the node with it.
 */
export interface InlinePlugin<Kind extends PluginKind = PluginKind> extends Omit<PluginModule<Kind>, 'workerModule'> {
  readonly isolation: 'none';
  readonly options?: Readonly<Record<string, unknown>>;
  /** The worker half, for kinds that have one. */
  createWorker?(options: unknown): PluginKinds[Kind]['worker'] | Promise<PluginKinds[Kind]['worker']>;
}

/** What `createCluster([...])` takes. */
export type PluginSource = PluginReference | InlinePlugin;

export function isInlinePlugin(source: PluginSource): source is InlinePlugin {
  return 'create' in source;
}
